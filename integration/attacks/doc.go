// Package attacks tries the published attacks on payments of small shops,
// numbered A01–A85, twice: on a shop behind Caddy with this module, and on one
// that does without us what common plugins do (testdata/www). What each loses is
// measured in its books and the provider's, and stands in docs/attacks.md.
package attacks
