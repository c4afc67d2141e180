// Package providertest checks that a provider reads every answer correctly. An unclear
// answer must be unknown, never a "no"; each request must go out once; and no secret may
// appear in logs or errors.
package providertest
