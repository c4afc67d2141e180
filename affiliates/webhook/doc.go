// Package webhook sends messages about payments to a server of the shop. It follows the
// Standard Webhooks specification (https://www.standardwebhooks.com): every try of one
// message has the same id, and a signature covers the id, the time and the body.
package webhook
