// Package providertest checks that a provider turns whatever arrives on the
// wire into the right outcome: what is unclear is unknown, never a "no"; a
// request goes out once; and nothing secret comes out of it.
package providertest
