// Package message fills the templates of what is told to others: an address, a
// header, a form or JSON with placeholders. Each value is escaped for where it
// stands, so that no order number, however odd, becomes another field or another
// address.
package message
