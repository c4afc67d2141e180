package params

import (
	"bufio"
	"encoding/hex"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// variable is what PHP makes of a name: a text, or some array.
type variable struct {
	text  string
	array bool
}

// phpParse is a model of PHP's parse_str, written after its source and kept
// apart from the code that it checks.
func phpParse(query string) map[string]variable {
	vars := map[string]variable{}
	for _, pair := range strings.Split(query, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		v := variable{text: phpDecode(value)}
		name, v.array = phpName(phpDecode(name))
		if name != "" {
			vars[name] = v
		}
	}
	return vars
}

// phpName follows php_register_variable_ex character by character.
func phpName(name string) (string, bool) {
	for i := range len(name) { // a C string
		if name[i] == 0 {
			name = name[:i]
			break
		}
	}
	for len(name) > 0 && name[0] == ' ' {
		name = name[1:]
	}
	var out []byte
	for i := 0; i < len(name); i++ {
		switch c := name[i]; c {
		case ' ', '.':
			out = append(out, '_')
		case '[':
			for _, later := range name[i:] {
				if later == ']' {
					return string(out), true
				}
			}
			if len(out) == 0 {
				return "", false
			}
			out = append(out, '_')
		default:
			out = append(out, c)
		}
	}
	return string(out), false
}

func phpDecode(s string) string {
	digit := func(c byte) int { return strings.IndexByte("0123456789abcdef", c|0x20) }
	var out []byte
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			out = append(out, ' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			out = append(out, byte(digit(s[i+1])<<4+digit(s[i+2])))
			i += 2
		default:
			out = append(out, s[i])
		}
	}
	return string(out)
}

func isHex(c byte) bool { return strings.IndexByte("0123456789abcdefABCDEF", c) >= 0 }

// guardedNames are those of the tests.
var (
	guardedNames = []string{"id", "order_id", "track_id", "invoice_key", "order", "status"}
	guarded      = NewNames(append(guardedNames, "payment_*")...)
)

// query generates what banks, small scripts and attackers may send.
func query() *rapid.Generator[string] {
	name := rapid.SampledFrom([]string{
		"id", "order_id", "track_id", "invoice_key", "order", "status", "payment_order", "payment_amount", "payment", "wc-api", "route", "a[]", "a[x]", "x",
		"order.id", "order id", "order+id", "order%20id", "order[id", "order%5bid", "order_id[]", "order_id%5B%5D", "order_id[x]", "order[id]", "order[x", "order[", "order]",
		" order_id", "+order_id", "%20order_id", "order_id ", "order_id.", "order_id%00", "order_id%00x", "%00order_id", "order%5fid", "order%5Fid", "%6frder_id", "Order_Id", "ORDER",
		"[order_id", "[order_id]", "payment.order", "payment[order", "payment[order]", "payment_order[]", "amp;order_id", "amp;x", "amp;amp;id", "order%00[x]", ".order", "", "i%64", "id%", "id%zz", "track.id", "track%2eid", "id=", "id?", "?id",
	})
	value := rapid.SampledFrom([]string{
		"", "1", "5", "K", "101", "a+b", "a%20b", "%D8%A7", "%zz", "%", "%00", "%0a", "a%0d%0aB", "\xff", "%ff", "a=b", "a;b", "a?b", "a?order_id=5", "a?x=1", "5?invoice_key=K", "5?", "5??id=1", "a#b", "http://x.test/?order=5", strings.Repeat("9", 1030),
	})
	sep := rapid.SampledFrom([]string{"&", "&", "&", "&", "?", "&amp;", "&&", ";"})
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		if rapid.IntRange(0, 9).Draw(t, "lead") == 0 {
			b.WriteString(sep.Draw(t, "sep"))
		}
		for i := range rapid.IntRange(0, 5).Draw(t, "n") {
			if i > 0 {
				b.WriteString(sep.Draw(t, "sep"))
			}
			b.WriteString(name.Draw(t, "name"))
			if rapid.IntRange(0, 9).Draw(t, "eq") > 0 {
				b.WriteString("=" + value.Draw(t, "value"))
			}
		}
		if rapid.IntRange(0, 9).Draw(t, "tail") == 0 {
			b.WriteString(sep.Draw(t, "sep"))
		}
		return b.String()
	})
}

// agree checks that PHP's variables are what a set says of the guarded names.
func agree(t interface{ Errorf(string, ...any) }, from string, s *Set, vars map[string]variable) {
	for _, name := range append([]string{"payment_order", "payment_amount"}, guardedNames...) {
		v, there := vars[name]
		switch {
		case there != s.Has(name):
			t.Errorf("%q: %s: PHP has it: %v, we: %v", from, name, there, s.Has(name))
		case v.array:
			t.Errorf("%q: %s is an array", from, name)
		case v.text != s.Get(name):
			t.Errorf("%q: %s: PHP reads %q, we read %q", from, name, v.text, s.Get(name))
		}
	}
}

func TestAgreesWithModel(t *testing.T) {
	accepted := 0
	rapid.Check(t, func(t *rapid.T) {
		raw := query().Draw(t, "query")
		if s, err := parse(raw, nil, "", guarded); err == nil {
			accepted++
			mended, _, _ := s.Rewrite(nil)
			agree(t, raw, s, phpParse(mended))
		}
		if s, err := parse("", []byte(raw), formType, guarded); err == nil && raw != "" {
			_, mended, changed := s.Rewrite(nil)
			if changed && !strings.Contains(raw, ";") {
				t.Fatalf("a body was mended: %q, %q", raw, mended)
			}
			agree(t, raw, s, phpParse(string(mended)))
		}
	})
	if accepted == 0 {
		t.Error("nothing was accepted: the test is blind")
	}
}

func FuzzAgreesWithModel(f *testing.F) {
	for _, raw := range corpus {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		s, err := parse(raw, nil, "", guarded)
		if err != nil {
			return
		}
		mended, _, _ := s.Rewrite(nil)
		agree(t, raw, s, phpParse(mended))
		again, err := parse(mended, nil, "", guarded)
		if err != nil {
			t.Fatalf("%q, mended %q: %v", raw, mended, err)
		}
		if _, _, changed := again.Rewrite(nil); changed {
			t.Fatalf("%q, mended %q, changes again", raw, mended)
		}
	})
}

// corpus are hand-made queries.
var corpus = []string{
	"", "&", "id=1", "order.id=1", "order id=1", "order+id=1", "order%20id=1", "order[id=1", "order_id[]=1", "order_id[x]=1", " order_id=1",
	"order_id%00x=1", "%00order_id=1", "order_id[=1", "order_id]=1", "order_id[x]y[z]=1", "order_id[x=1", "[order_id=1", "[order_id]=1", "order_id =1",
	"order_id.=1", "=1", "&&order_id", "order_id", "order%_id=1", "order[id]x=1", "order.id[a]=1", "order[i.d=1", "order[i[d=1", ".order_id=1",
	"\torder_id=1", "order%0aid=1", "order[%00]=1", "order%00[x]=1", "order_id=%zz", "order_id=a%4", "order_id=a+b%2bc", "a[b=1&a.b=2", "x[][]=1&x[]=2",
	"order=5?invoice_key=K", "order=5&amp;invoice_key=K", "?order=5", "order=5?", "order=5??id=1", "x=1?y=2?id=3", "wc-api=x&order=5?price=1&invoice_key=K",
}

// TestAgreesWithPHP asks the real PHP, the corpus and some thousand more.
func TestAgreesWithPHP(t *testing.T) {
	php, err := exec.LookPath("php")
	if err != nil {
		if os.Getenv("PAYMENTS_REQUIRE_ALL") == "1" {
			t.Fatal("php is not installed")
		}
		t.Skip("php is not installed")
	}
	const script = `while (($l = fgets(STDIN)) !== false) { parse_str(hex2bin(trim($l)), $o); $out = array();
		foreach ($o as $k => $v) { $out[] = bin2hex($k) . ':' . (is_array($v) ? 'array' : bin2hex($v)); }
		echo implode(',', $out), "\n"; }`
	queries := append([]string(nil), corpus...)
	gen := query()
	for i := range 6000 {
		queries = append(queries, gen.Example(i))
	}
	var in strings.Builder
	for _, raw := range queries {
		s, err := parse(raw, nil, "", guarded)
		if err == nil {
			raw, _, _ = s.Rewrite(nil)
		}
		in.WriteString(hex.EncodeToString([]byte(raw)) + "\n")
	}
	cmd := exec.Command(php, "-n", "-d", "max_input_vars=1000", "-r", script)
	cmd.Stdin = strings.NewReader(in.String())
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(strings.NewReader(string(out)))
	lines.Buffer(nil, 1<<20)
	for _, raw := range queries {
		if !lines.Scan() {
			t.Fatal("PHP said too little")
		}
		vars := map[string]variable{}
		for _, one := range strings.Split(lines.Text(), ",") {
			name, value, found := strings.Cut(one, ":")
			if !found {
				continue
			}
			vars[unhex(t, name)] = variable{array: value == "array"}
			if value != "array" {
				vars[unhex(t, name)] = variable{text: unhex(t, value)}
			}
		}
		s, err := parse(raw, nil, "", guarded)
		given := raw
		if err == nil {
			given, _, _ = s.Rewrite(nil)
			agree(t, raw, s, vars)
		}
		// The model is only worth something if it is PHP.
		model := phpParse(given)
		for name, v := range vars {
			if m, ok := model[name]; !ok || m.array != v.array || (!v.array && m.text != v.text) {
				t.Errorf("%q: %q: PHP %+v, the model %+v", given, name, v, m)
			}
		}
		for name := range model {
			if _, ok := vars[name]; !ok {
				t.Errorf("%q: the model alone has %q", given, name)
			}
		}
	}
}

func unhex(t *testing.T, s string) string {
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// FuzzReturn: a query and a body together read as PHP's $_REQUEST does, in
// either order of the two, or not at all; and after every rewriting too.
func FuzzReturn(f *testing.F) {
	for i, raw := range corpus {
		f.Add(raw, corpus[len(corpus)-1-i], "order_id", "7")
	}
	f.Add("wc-api=wc_idpay", "status=10&id=d2e353189823079e1e4181772cff5292&order_id=101&hashed_card_no=E59FA6", "id", "")
	f.Fuzz(func(t *testing.T, query, body, name, value string) {
		s, err := parse(query, []byte(body), formType, guarded)
		if err != nil {
			return
		}
		sets := []map[string]string{nil}
		if _, err := strict(name, url.QueryEscape(value)); err == nil { // as what a receipt says always is
			sets = append(sets, map[string]string{name: value})
		}
		for _, set := range sets {
			q, b, _ := s.Rewrite(set)
			again, err := parse(q, b, formType, guarded)
			if err != nil {
				t.Fatalf("%q %q became %q %q: %v", query, body, q, b, err)
			}
			agree(t, query+" and "+body, again, merge(phpParse(q), phpParse(string(b))))
			agree(t, query+" and "+body, again, merge(phpParse(string(b)), phpParse(q)))
			if got, want := strings.Join(shopPairs(again), "\n"), strings.Join(shopPairs(s), "\n"); got != want {
				t.Fatalf("the shop's %q became %q", want, got)
			}
			for _, n := range guardedNames {
				want := s.Get(n)
				if v, named := set[n]; named && s.Has(n) {
					want = v
				}
				if again.Get(n) != want {
					t.Fatalf("%q %q: %s is %q, want %q", query, body, n, again.Get(n), want)
				}
			}
		}
		// What is bound to a shop's parameter is what PHP will read.
		if got, ok := s.Shop("invoiceId"); ok {
			q, b, _ := s.Rewrite(nil)
			for _, vars := range []map[string]variable{merge(phpParse(q), phpParse(string(b))), merge(phpParse(string(b)), phpParse(q))} {
				if v := vars["invoiceId"]; v.array || v.text != got {
					t.Fatalf("%q %q: PHP reads invoiceId as %+v, we as %q", query, body, v, got)
				}
			}
		}
	})
}

// FuzzLikely is the same over queries that are put together from what matters.
func FuzzLikely(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		q, b := query().Draw(t, "query"), query().Draw(t, "body")
		s, err := parse(q, []byte(b), formType, guarded)
		if err != nil {
			return
		}
		mended, body, _ := s.Rewrite(nil)
		agree(t, q, s, merge(phpParse(mended), phpParse(string(body))))
	}))
}
