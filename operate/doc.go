// Package operate does once what the admin API, the command and the dashboard all need:
// it finds payments, shows them without secrets, and carries out a person's decision
// exactly once.
package operate
