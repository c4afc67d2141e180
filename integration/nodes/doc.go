// Package nodes tests several Caddys that share one ledger in PostgreSQL.
package nodes
