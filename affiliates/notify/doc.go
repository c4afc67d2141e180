// Package notify tells people what needs one: an SMS panel, a messenger's bot, a mail
// relay. What happens is collected, so that a bad hour is one message. Nothing waits
// for it, and nothing that concerns money depends on it.
package notify
