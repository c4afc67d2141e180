// Package find reads what people type when they look for a payment: the numbers that a
// customer reads out on the telephone, and dates of either calendar.
package find
