package handlers

import "testing"

// Only routes that take nothing but the shop's path show that nothing in front takes it off.
func TestOnlyTheShopsPathLeadsThere(t *testing.T) {
	t.Parallel()
	for branch, want := range map[string]bool{
		"": false, ">/s1/*": true, ">/s1": true, ">/s1 /s1/*": true, ">/s1/a/*": true, ">/s1/*>/cb": true,
		">/s1x/*": false, ">/s1x": false, ">/s1/* /other/*": false, ">/*": false, ">*": false, ">/s": false, ">/other>/s1/*": false,
	} {
		if got := onlyBelow(branch, "/s1"); got != want {
			t.Errorf("%q: %v", branch, got)
		}
	}
}
