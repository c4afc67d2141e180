// Package relay serves the providers' own APIs to the shops' unmodified plugins.
//
// It only carries bytes. It finds out who calls, which call it is and whose account it
// concerns, and passes it to the engine, which decides what the shop hears.
//
// It promises to forward only calls and headers that the provider's dialect lists, and to
// follow no redirect.
package relay
