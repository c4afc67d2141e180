package sandbox

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Preset is a set of faults under one name: what goes wrong often enough that a
// shop should be tried with it.
type Preset struct {
	Name string
	// EN and FA say what happens.
	EN, FA string

	faults []Fault
}

// In returns what happens, in a language: "fa", or else English.
func (p Preset) In(lang string) string {
	if lang == "fa" {
		return p.FA
	}
	return p.EN
}

// late is longer than any client waits: IDPay's own plugins wait for 15 s, ours for
// 8 s.
const late = 20_000 // milliseconds

// presets are all of them, in the order of what happens most.
var presets = []Preset{
	{"times-out-once", "the next verify call gets no answer, and nothing is settled",
		"فراخوانی بعدی verify پاسخی نمی‌گیرد و چیزی تسویه نمی‌شود",
		[]Fault{{Kind: "hang", When: whenBefore, Operation: OpVerify, Count: 1, MS: late}}},
	{"answers-after-settling", "the next verify call settles the payment, and its answer comes 20 seconds late",
		"فراخوانی بعدی verify پرداخت را قطعی می‌کند، ولی پاسخش ۲۰ ثانیه دیر می‌رسد",
		[]Fault{{Kind: "delay", When: whenAfter, Operation: OpVerify, Count: 1, MS: late}}},
	{"answer-lost", "the next verify call settles the payment, and the connection breaks before its answer",
		"فراخوانی بعدی verify پرداخت را قطعی می‌کند، ولی ارتباط پیش از رسیدن پاسخ قطع می‌شود",
		[]Fault{{Kind: "reset", When: whenAfter, Operation: OpVerify, Count: 1}}},
	{"wrong-amount", "the next verify call answers with ten times the amount, where its answer names one",
		"پاسخ فراخوانی بعدی verify مبلغ را ده برابر می‌گوید (اگر مبلغی در آن باشد)",
		[]Fault{{Kind: "wrong_amount", Operation: OpVerify, Count: 1, Factor: 10}}},
	{"says-again", "somebody else has verified first: the next verify call is a repeated one for the provider",
		"کس دیگری زودتر verify کرده است: فراخوانی بعدی برای درگاه تکراری است",
		[]Fault{{Kind: kindAgain, Operation: OpVerify, Count: 1}}},
	{"down", "every call is answered with 503, until the faults are cleared",
		"هر فراخوانی پاسخ ۵۰۳ می‌گیرد، تا وقتی خطاها پاک شوند",
		[]Fault{{Kind: "status", Status: 503}}},
}

// Presets returns the presets that there are.
func Presets() []Preset { return slices.Clone(presets) }

// SetPreset arms the faults of a preset.
func (s *Server) SetPreset(name string) ([]Fault, error) {
	var names []string
	for _, p := range presets {
		if names = append(names, p.Name); p.Name != name {
			continue
		}
		armed := make([]Fault, 0, len(p.faults))
		for _, f := range p.faults {
			f, err := s.SetFault(f)
			if err != nil {
				return nil, fmt.Errorf("preset %s: %w", name, err)
			}
			armed = append(armed, f)
		}
		return armed, nil
	}
	return nil, fmt.Errorf("preset %q is unknown; it is %s", name, strings.Join(names, ", "))
}

// controlPreset arms the preset that a button of the page, or JSON, names.
func (s *Server) controlPreset(form bool, body []byte) (any, error) {
	var in struct {
		Preset string `json:"preset"`
	}
	if form {
		values, _ := url.ParseQuery(string(body))
		in.Preset = values.Get("preset")
	} else if err := decode(body, &in); err != nil {
		return nil, err
	}
	faults, err := s.SetPreset(in.Preset)
	if err != nil {
		return nil, err
	}
	return map[string]any{"faults": faults}, nil
}

// Gateways returns the names of the payment gateways, which are also the first segment
// of each one's addresses.
func Gateways() []string { return gateways() }
