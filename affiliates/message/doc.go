// Package message fills the templates of outgoing messages: an address, a header, a form
// or JSON with placeholders.
//
// It promises to escape each value for the place where it stands, so an order number
// can't add a field or change the address.
package message
