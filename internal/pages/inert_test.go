package pages

import (
	"reflect"
	"strings"
	"testing"
	"text/template"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// fill puts a text into whatever holds one.
func fill(v reflect.Value, text string) {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Field(i).CanSet() {
				fill(v.Field(i), text)
			}
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(v.Index(i), text)
		}
	}
}

// Whatever stands in whichever field of whichever page, the answer is no template: run as
// one, it is itself.
func TestNoPageIsATemplate(t *testing.T) {
	const attack = "{{`KEY`|env}} {{{{ {{.}}"
	theme, err := NewTheme("", attack, "/logo.svg?"+attack, "e67e22", "https://shop.example.com/"+attack)
	if err != nil {
		t.Fatal(err)
	}
	shown := 0
	for _, kind := range Kinds() {
		for _, text := range []string{attack, "/" + attack, "/{{`KEY`|env}}", "https://bank.example/{{`KEY`|env}}", "{"} {
			for _, sums := range []payment.Rials{0, 10_000} {
				for _, form := range []bool{true, false} {
					var p Page
					fill(reflect.ValueOf(&p).Elem(), text)
					p.Kind, p.Theme, p.Amount, p.Max, p.MostPieces = kind, theme, 50_000, sums, 3
					p.Lang, p.Wrong, p.Recorded = lang.EN, WrongBounds, form
					for i, name := range []string{InputName, InputMobile} {
						p.Inputs[i].Name = name
					}
					if !form {
						p.Action, p.Fields = "", nil
					}
					for who, r := range map[string]string{"a person": "text/html", "a program": "application/json"} {
						asked := browser()
						asked.Header.Set("Accept", r)
						body := get(t, asked, p).Body.String()
						var b strings.Builder
						tpl, err := template.New("").Funcs(template.FuncMap{"env": func(string) string { return "SECRET" }}).Parse(body)
						if err == nil {
							err = tpl.Execute(&b, nil)
						}
						if err != nil || b.String() != body {
							t.Fatalf("%s with %q, for %s, is a template: %v", kind, text, who, err)
						}
						shown += strings.Count(body, "{&#123;")
					}
				}
			}
		}
	}
	if shown < 100 {
		t.Errorf("only %d braces were seen", shown)
	}
}

// What a page carries as it is can't be written otherwise.
func TestSheetsAndScriptsHaveNoTwoBraces(t *testing.T) {
	for name, p := range samples() {
		v := newView(lang.FA, &p)
		if strings.Contains(string(v.CSS)+string(v.Script), "{{") {
			t.Errorf("%s: a style or a script has two braces in a row", name)
		}
	}
}
