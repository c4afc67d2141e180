package doctor

import (
	"fmt"
	"maps"
	"slices"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/watch"
)

// provider says how one provider answers. What waits for it because of that belongs to
// the same finding.
func provider(f Facts, w waits, name string) []operate.Finding {
	p := f.Watch.Provider(name)
	level := operate.LevelError
	if f.Sandbox[name] {
		level = operate.LevelWarn
	}
	waiting := ""
	if h := w.unknown[name]; h != nil {
		waiting = "; " + h.says(f.Now, w.more) + " waiting for its answer"
	}
	var out []operate.Finding
	switch kept := f.KeptBack != nil && f.KeptBack(name); {
	case p.Refusing:
		code := ""
		if p.Code != "" {
			code = " (code " + p.Code + ")"
		}
		out = append(out, operate.Finding{Level: level, Code: "refused", Where: name,
			Text: fmt.Sprintf("it has refused our key, address or account for %s, the last time %s ago%s, and has settled nothing since: see its panel, correct the key, and run caddy reload --force%s", ago(f.Now, p.Since), ago(f.Now, p.Last), code, waiting)})
		return out
	case p.Asked.Failing() || kept:
		text := "calls to it are kept back, because too many had no answer"
		if p.Asked.Fails > 0 {
			text = fmt.Sprintf("it has answered nothing for %s (%d questions in a row%s)", ago(f.Now, p.Asked.Since), p.Asked.Fails, because(p.Asked.Err))
		}
		if p.Asked.Fails > 0 && kept {
			text += "; calls to it are kept back, one at a time finds out whether it is back"
		}
		out = append(out, operate.Finding{Level: level, Code: "unanswered", Where: name,
			Text: text + waiting + ": nothing is lost, each is asked again by itself"})
	}
	if c := p.Created; c.Fails > 0 {
		if !c.Failing() {
			level = operate.LevelWarn
		}
		verb := "gave no answer that can be read"
		if c.Refused {
			verb = "refused"
		}
		out = append(out, operate.Finding{Level: level, Code: "create", Where: name,
			Text: fmt.Sprintf("it has started no payment for %s: customers who pressed Pay got none (%d in a row, the last %s ago; it %s%s)", ago(f.Now, c.Since), c.Fails, ago(f.Now, c.Last), verb, because(c.Err))})
	}
	return out
}

// because is an error in a parenthesis, shortened.
func because(text string) string {
	const most = 200
	if text == "" {
		return ""
	}
	if r := []rune(text); len(r) > most {
		text = string(r[:most]) + "…"
	}
	return "; " + text
}

// unanswered is what waits for a provider that otherwise answers, or that is no longer
// configured.
func unanswered(f Facts, w waits) []operate.Finding {
	var out []operate.Finding
	for _, name := range slices.Sorted(maps.Keys(w.unknown)) {
		h, p := w.unknown[name], f.Watch.Provider(name)
		configured := slices.Contains(f.Providers, name)
		if configured && told(f, name, p) {
			continue
		}
		level, what := operate.LevelWarn, ": each is asked again by itself"
		if !configured {
			level, what = h.level(), ": no such provider is configured, so nobody asks"
		}
		out = append(out, operate.Finding{Level: level, Code: "unknown", Where: name,
			Text: "for its answer: " + h.says(f.Now, w.more) + what})
	}
	return out
}

// told: the provider's own finding has what waits for it.
func told(f Facts, name string, p watch.Provider) bool {
	return !p.Up() || f.KeptBack != nil && f.KeptBack(name)
}
