// Package notify tells people about what needs them: by an SMS panel, a messenger's bot or
// a mail relay. It collects events, so that a bad hour becomes one message.
//
// It promises that no payment waits for it. If it fails, only a message is lost.
package notify
