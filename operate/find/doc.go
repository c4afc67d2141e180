// Package find reads what people write when they look for payments: what a customer reads
// out on the telephone, and dates of either calendar.
package find
