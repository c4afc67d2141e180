// Package postgres is the ledger for several Caddys: [payment.Store] over
// PostgreSQL's protocol, by which CockroachDB and YugabyteDB are reached as
// well. Plain tables and plain SQL: no extension, no advisory lock, no
// notification.
//
// # How a change is written
//
// A change is one statement, and so one transaction of the server's own: a node
// that is stopped in the middle of anything holds no lock. The statement writes
// the record if its version is the one that was read, and inserts the
// uniqueness keys, which a primary key guards: where one is another record's,
// nothing is written at all. A lazy change tells the server not to wait for its
// disk; all others wait until it has synced.
//
// Changes that come at the same time share a statement, with arrays for
// arguments: it is one statement still, finished by the server whatever becomes
// of the node, and each record in it is compared by itself. Where it fails, for
// one of them or for all, each change goes on alone. Look-ups share statements
// in the same way.
//
// # What goes wrong
//
// A connection that breaks after the statement was sent leaves an outcome that
// nobody knows. Every change carries a random number into its row; the same
// statement is sent again on another connection, and where the version has
// moved on, the number tells whose change it was. What can't be told is an
// error, never an assumption.
//
// A server that loses power loses the lazy changes of its last moments, and the
// nodes may live on and hold what they read or wrote before. The next change of
// such a record gets the version of the lost one. So a change compares the random
// number of the version it was made from, too (the record's Mark).
//
// # Who is alive
//
// Every node writes a beat, and reads who has not written one for a while; both
// by the database's clock, which is also the clock that leases are compared
// with. A node that falls silent has lost its leases, and a node that notices takes
// up its share of the work.
//
// # Which life the ledger is in
//
// A standby that was promoted, a backup that was put back, a database that was
// made anew: in each the ledger may have forgotten receipts. The ledger knows
// the server and timeline that it was written on, and every node knows outside
// of it how far it had come. Where either does not fit, a new generation begins
// before anything else is done (rule 4).
package postgres
