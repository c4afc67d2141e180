// Package hamekar reports conversions to Hamekar (hamekar.ir), also known as Linkap. It
// follows Hamekar's document on confirming customers.
package hamekar
