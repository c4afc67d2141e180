// Package hamekar reports conversions to Hamekar, also known as Linkap
// (hamekar.ir), as its document on customers' confirmations says.
package hamekar
