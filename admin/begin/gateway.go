package begin

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

const providers = "payments.providers"

// module is an empty value of a gateway's type; nil where this build has none.
func module(gateway string) caddy.Module {
	info, err := caddy.GetModule(providers + "." + gateway)
	if err != nil {
		return nil
	}
	return info.New()
}

// offerOf is how a gateway of this build wants to be offered.
func offerOf(gateway string) payment.Offer {
	if p, ok := module(gateway).(payment.Offered); ok {
		return p.Offer()
	}
	return payment.Offer{}
}

// Gateways are the types of the providers that this build of Caddy has; creating:
// only those that can start a payment. The one that most shops have comes first;
// those that are reported closed come last.
func Gateways(creating bool) []string {
	var names []string
	for _, info := range caddy.GetModules(providers) {
		if _, ok := info.New().(payment.Creator); ok || !creating {
			names = append(names, info.ID.Name())
		}
	}
	rank := func(name string) int {
		switch o := offerOf(name); {
		case o.ClosedEnglish != "":
			return 1
		case o.First:
			return -1
		}
		return 0
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	return names
}

// Closed is what is reported of a gateway that is said to be closed; false for all others.
func Closed(gateway string) (lang.Text, bool) {
	o := offerOf(gateway)
	return lang.Text{o.ClosedEnglish, o.ClosedPersian}, o.ClosedEnglish != ""
}

// Explain is what stands beside a gateway's name where it is offered: how the gateway is
// called, and whether it is reported closed.
func Explain(gateway string) lang.Text {
	var said lang.Text
	if t, ok := module(gateway).(payment.Titled); ok {
		said[0], said[1] = t.Title()
	}
	if needs, err := Needs(gateway); err == nil && slices.Contains(needs, "base_url") {
		said = lang.Text{"the invoice script, at a host that you name", "اسکریپت صورت‌حساب، روی میزبانی که خودتان می‌گویید"}
	}
	if closed, ok := Closed(gateway); ok {
		for i := range said {
			said[i] += " (" + closed[i] + ")"
		}
	}
	return said
}

// Relays reports whether a gateway's own API can be served to a shop's plugin.
func Relays(gateway string) bool {
	_, ok := module(gateway).(payment.Relayer)
	return ok
}

// Needs are the options that a gateway's block must have. They are learnt from the
// module itself, which names what it misses: so a gateway that is added to the
// program needs no line here.
func Needs(gateway string) ([]string, error) {
	if module(gateway) == nil {
		return nil, fmt.Errorf("there is no gateway %q in this build of Caddy; there is %s", gateway, strings.Join(Gateways(false), ", "))
	}
	options := optionsOf(reflect.TypeOf(module(gateway)))
	named := regexp.MustCompile(`\b(` + strings.Join(options, "|") + `)\b`)
	var needs []string
	var err error
	for range len(options) + 1 {
		block := gateway + " {\n"
		for _, n := range needs {
			block += n + " {env.LATER}\n"
		}
		if err = readBlock(module(gateway), gateway, block+"}\n"); err == nil {
			return needs, nil
		}
		missing := named.FindString(err.Error()) // the option that the error speaks of first
		if missing == "" || slices.Contains(needs, missing) {
			break
		}
		needs = append(needs, missing)
	}
	return nil, fmt.Errorf("the gateway %s wants more than a beginning can guess: %w; see the manual's page on providers", gateway, err)
}

func readBlock(mod caddy.Module, gateway, block string) error {
	reader, ok := mod.(caddyfile.Unmarshaler)
	if !ok {
		return fmt.Errorf("%s can't be written in a Caddyfile", gateway)
	}
	tokens, err := caddyfile.Tokenize([]byte(block), "init")
	if err != nil {
		return err
	}
	return reader.UnmarshalCaddyfile(caddyfile.NewDispenser(tokens))
}

// optionsOf are the names of a module's texts, those of embedded structs included.
func optionsOf(t reflect.Type) []string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	var names []string
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			names = append(names, optionsOf(f.Type)...)
		case f.IsExported() && name != "" && f.Type.Kind() == reflect.String:
			names = append(names, name)
		}
	}
	return names
}

// notInVariables is what the name of an environment variable doesn't have.
var notInVariables = regexp.MustCompile(`[^A-Z0-9]`)

// variable is the environment variable of a gateway's option. A name can't begin
// with a digit.
func variable(gateway, option string) string {
	name := notInVariables.ReplaceAllString(strings.ToUpper(gateway+"_"+option), "_")
	if name[0] >= '0' && name[0] <= '9' {
		return "GATEWAY_" + name
	}
	return name
}
