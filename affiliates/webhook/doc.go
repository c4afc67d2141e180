// Package webhook tells a server of the shop's what becomes of its payments, by the
// Standard Webhooks specification (https://www.standardwebhooks.com): an id that is
// the same for each try, a time, and a signature over both and the body.
package webhook
