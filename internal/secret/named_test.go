package secret

import "testing"

func TestOnlyVariablesAreNamed(t *testing.T) {
	for value, want := range map[string]string{
		"{env.IDPAY_KEYY}": ": {env.IDPAY_KEYY}", "{env.X}": ": {env.X}",
		"": "", "s3cret": "", "{s3cret}": "", "s3cret{env.X}": "", "{env.X}s3cret": "", "{env.X}{env.Y}": "", "{env.}": "", "{env.s3cret}": "",
		"{env.6A7F99EB}": "", "{file./etc/s3cret}": "", "{vault.X}": "", "{env.X\n}": "",
	} {
		if got := named(value); got != want {
			t.Errorf("%q: %q, want %q", value, got, want)
		}
	}
}
