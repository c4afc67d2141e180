package payments_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// verb is what a text leaves open for an argument. "%%" leaves nothing open.
var verb = regexp.MustCompile(`%[-+# 0-9.]*[a-zA-Z%]`)

// holes returns the verbs of a text, and false if one of them is not finished.
func holes(text string) (out []string, ok bool) {
	for _, v := range verb.FindAllString(text, -1) {
		if v != "%%" {
			out = append(out, v)
		}
	}
	return out, !strings.Contains(verb.ReplaceAllString(text, ""), "%")
}

// texts returns the sentence in both languages that an expression writes down.
func texts(x ast.Expr) (both []string) {
	lit, ok := x.(*ast.CompositeLit)
	if !ok {
		return nil
	}
	for _, e := range lit.Elts {
		s, ok := e.(*ast.BasicLit)
		if !ok || s.Kind != token.STRING {
			return nil
		}
		text, err := strconv.Unquote(s.Value)
		if err != nil {
			return nil
		}
		both = append(both, text)
	}
	return both
}

// filledIn returns the text that a call fills in and how many arguments it has for it: say(text, …),
// Sprintf(text.In(l), …) and the like.
func filledIn(call *ast.CallExpr) (both []string, args int, ok bool) {
	for i, a := range call.Args {
		if in, ok := a.(*ast.CallExpr); ok {
			if sel, ok := in.Fun.(*ast.SelectorExpr); ok && sel.Sel.Name == "In" {
				a = sel.X
			}
		}
		if both := texts(a); len(both) == 2 && !call.Ellipsis.IsValid() {
			name := ""
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				name = f.Sel.Name
			case *ast.Ident:
				name = f.Name
			}
			return both, len(call.Args) - i - 1, strings.HasSuffix(name, "rintf") || name == "say" || name == "Errorf"
		}
	}
	return nil, 0, false
}

// A sentence in two languages leaves the same open in both, in the same order, and whoever fills it
// in where it is written has as many arguments. The compiler's own check of formats does not see
// these, because they are chosen while the program runs.
func TestTextsAreFilledInAlike(t *testing.T) {
	t.Parallel()
	pairs, calls := 0, 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				both := texts(n)
				if len(both) != 2 || !persian(both[1]) {
					break
				}
				pairs++
				en, whole := holes(both[0])
				fa, whole2 := holes(both[1])
				if len(en)+len(fa) > 0 && (!whole || !whole2 || !slices.Equal(en, fa)) {
					t.Errorf("%s: %q leaves %v open, %q %v", set.Position(n.Pos()), both[0], en, both[1], fa)
				}
			case *ast.CallExpr:
				both, args, ok := filledIn(n)
				if !ok {
					break
				}
				calls++
				if open, _ := holes(both[0]); len(open) != args {
					t.Errorf("%s: %q has %d arguments", set.Position(n.Pos()), both[0], args)
				}
			}
			return true
		})
		return nil
	})
	if err != nil || pairs < 500 || calls < 30 {
		t.Errorf("%d sentences, %d calls, %v", pairs, calls, err)
	}
}

// persian: the text has a letter of the Persian alphabet.
func persian(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r >= 0x600 && r <= 0x6ff })
}
