package payments_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// foreign are words in comments that look like names of ours and are somebody else's.
var foreign = map[string]bool{
	"aB1":          true, // an id of an invoice, as the comment's example
	"cURL":         true,
	"dataObject":   true, // Sama's document
	"errorsObject": true, // Sama's document
	"newWriter":    true, // Badger's
	"percentMode":  true, // Zibal's document
	"pkg.go":       true, // pkg.go.dev
	"readRequest":  true, // net/http's
	"sRGB":         true,
}

// A comment names nothing that is gone: each word that is written like a name in the
// code, and each Go file, exists; and a function that "reports whether" has a result.
func TestCommentsNameWhatExists(t *testing.T) {
	t.Parallel()
	name := regexp.MustCompile(`\b[a-z]+[A-Z][A-Za-z0-9]+\b`)
	file := regexp.MustCompile(`\b[a-z][a-z0-9_]*\.go\b`)
	reports := regexp.MustCompile(`\breports? whether\b`)
	exists := make(map[string]bool)
	said := make(map[string]string)
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || d.Name() == "tools"):
			return fs.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		exists[d.Name()] = true
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.Ident:
				exists[n.Name] = true
			case *ast.BasicLit: // what the wire, the Caddyfile or PHP calls by a name
				for _, word := range name.FindAllString(n.Value, -1) {
					exists[word] = true
				}
			case *ast.FuncDecl:
				if n.Type.Results == nil && d.Name() != "house_comments_test.go" && reports.MatchString(n.Doc.Text()) {
					t.Errorf("%s: %s returns nothing, and its comment says that it reports whether", fset.Position(n.Pos()), n.Name.Name)
				}
			}
			return true
		})
		for _, group := range f.Comments {
			for _, line := range group.List {
				for _, word := range append(name.FindAllString(line.Text, -1), file.FindAllString(line.Text, -1)...) {
					said[word] = fset.Position(line.Pos()).String()
				}
			}
		}
		return nil
	})
	if err != nil || len(said) < 100 {
		t.Fatalf("%d names in comments, %v", len(said), err)
	}
	for word, where := range said {
		if !exists[word] && !foreign[word] {
			t.Errorf("%s: a comment names %s, which doesn't exist", where, word)
		}
	}
	for word := range foreign {
		if said[word] == "" {
			t.Errorf("%s is no foreign word any more: delete it here", word)
		}
	}
}

// Each field of our page is filled by a handler: a field that nothing fills is a
// promise of its template that no customer ever sees.
func TestPagesFieldsAreFilled(t *testing.T) {
	t.Parallel()
	fset := token.NewFileSet()
	page, err := parser.ParseFile(fset, "internal/pages/page.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	ast.Inspect(page, func(n ast.Node) bool {
		spec, ok := n.(*ast.TypeSpec)
		if !ok || spec.Name.Name != "Page" {
			return true
		}
		for _, f := range spec.Type.(*ast.StructType).Fields.List {
			for _, name := range f.Names {
				fields = append(fields, name.Name)
			}
		}
		return false
	})
	filled := make(map[string]bool)
	err = filepath.WalkDir("handlers", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(fset, path, nil, 0)
		if err != nil {
			return err
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CompositeLit:
				if sel, ok := n.Type.(*ast.SelectorExpr); !ok || sel.Sel.Name != "Page" {
					return true
				}
				for _, e := range n.Elts {
					if kv, ok := e.(*ast.KeyValueExpr); ok {
						filled[kv.Key.(*ast.Ident).Name] = true
					}
				}
			case *ast.AssignStmt:
				for _, left := range n.Lhs {
					if sel, ok := left.(*ast.SelectorExpr); ok {
						filled[sel.Sel.Name] = true
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil || len(fields) < 20 {
		t.Fatalf("%d fields of a page, %v", len(fields), err)
	}
	for _, name := range fields {
		if !filled[name] {
			t.Errorf("nothing in handlers/ fills Page.%s", name)
		}
	}
}
