//go:build failpoints

package failpoint

import (
	"testing"
	"time"
)

func TestParse(t *testing.T) {
	for item, want := range map[string]*trap{
		"a=kill":           {action: "kill", pass: 1},
		"a=kill@3+300us":   {action: "kill", pass: 3, wait: 300 * time.Microsecond},
		"a=panic@2":        {action: "panic", pass: 2},
		"a=delay+2s":       {action: "delay", pass: 1, wait: 2 * time.Second},
		"a":                nil,
		"a=die":            nil,
		"a=kill@x":         nil,
		"a=kill+sometimes": nil,
	} {
		got, place, err := parse(item)
		if want == nil {
			if err == nil {
				t.Errorf("%s: taken as %+v", item, got)
			}
			continue
		}
		if err != nil || place != "a" || got.action != want.action || got.pass != want.pass || got.wait != want.wait {
			t.Errorf("%s: %+v, %s, %v", item, got, place, err)
		}
	}
}
