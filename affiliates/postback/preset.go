package postback

import (
	_ "embed"
	"encoding/json"
	"slices"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/affiliates/message"
)

// preset is what is known of a network. A line of the configuration goes before it.
type preset struct {
	name string
	// Param, Pattern and TTL are what the network's links carry, and for how long it
	// counts a visit.
	Param   string         `json:"param"`
	Pattern string         `json:"pattern"`
	TTL     caddy.Duration `json:"ttl"`
	// BaseURL: the network has no address that all its customers use.
	BaseURL bool `json:"base_url"`
	// Options are the network's own lines; {option.name} stands for their values.
	Options []option `json:"options"`
	// Basic names the options that are user name and password of HTTP's Basic.
	Basic    []string         `json:"basic"`
	Report   message.Request  `json:"report"`
	Cancel   *message.Request `json:"cancel"`
	Remember string           `json:"remember"`
}

type option struct {
	Name string `json:"name"`
	// Secret values are written as placeholders, and never shown.
	Secret   bool   `json:"secret"`
	Optional bool   `json:"optional"`
	Default  string `json:"default"`
}

//go:embed presets.json
var presetData []byte

// presets are all of them by name. What is wrong with the file is an error of the
// program, which a test finds.
var presets = func() map[string]*preset {
	all := make(map[string]*preset)
	if err := json.Unmarshal(presetData, &all); err != nil {
		return map[string]*preset{"postback": {}}
	}
	for name, p := range all {
		p.name = name
	}
	return all
}()

func (p *preset) option(name string) (option, bool) {
	i := slices.IndexFunc(p.Options, func(o option) bool { return o.Name == name })
	if i < 0 {
		return option{}, false
	}
	return p.Options[i], true
}
