package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"testing"
)

// Each event is counted as an alarm from the start, or is none: the first incident of a
// kind whose series appears only with it is missed.
func TestEachEventIsAnAlarmOrNone(t *testing.T) {
	none := []string{
		EventReturned, EventHanded, EventCounted, EventCreated, EventAsked, EventVerified, EventDeclined, EventDelivering, EventDelivered,
		EventConverted, EventTold, EventIgnored, EventDecided, EventRefunded, EventRelaySilent, EventForeignCallback,
	}
	pkgs, err := parser.ParseDir(token.NewFileSet(), ".", nil, parser.SkipObjectResolution) //nolint:staticcheck // of one folder, without types
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, pkg := range pkgs {
		ast.Inspect(pkg, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Names) != 1 || len(spec.Values) != 1 || len(spec.Names[0].Name) < 6 || spec.Names[0].Name[:5] != "Event" {
				return true
			}
			lit, ok := spec.Values[0].(*ast.BasicLit)
			if !ok {
				return true
			}
			name, _ := strconv.Unquote(lit.Value)
			seen++
			if alarm, quiet := slices.Contains(Alarms(), name), slices.Contains(none, name); alarm == quiet {
				t.Errorf("%s (%s): an alarm %v, none %v", spec.Names[0].Name, name, alarm, quiet)
			}
			return true
		})
	}
	if seen != len(Alarms())+len(none) {
		t.Errorf("%d events, %d alarms, %d others", seen, len(Alarms()), len(none))
	}
}
