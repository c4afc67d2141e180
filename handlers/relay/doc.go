// Package relay serves providers' own APIs to shops' unmodified plugins.
//
// It carries bytes: it looks who asks, what the call is and whose account it is
// about, and gives it to the engine, which decides what the shop hears. Nothing that
// isn't in a provider's dialect is forwarded, no header but the dialect's, and no
// redirect is followed.
package relay
