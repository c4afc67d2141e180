// Package operate is what the admin API and the dashboard have in common:
// finding payments, showing them without secrets, and carrying out a person's
// decision exactly once.
package operate
