package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"
)

// progress says which items run and how far they are.
func progress(items []*item, elapsed time.Duration) {
	ready := 0
	var now []string
	for _, it := range items {
		it.mu.Lock()
		switch {
		case it.begun.IsZero():
		case !it.done.IsZero():
			ready++
		default:
			text := it.name
			for _, p := range it.parts {
				text += fmt.Sprintf(" %d/%d", p.Done, p.Total)
			}
			if len(it.parts) == 0 && it.last != "" {
				text += " " + it.last[:min(len(it.last), 60)]
			}
			now = append(now, text)
		}
		it.mu.Unlock()
	}
	fmt.Fprintf(os.Stderr, "%7s  %d of %d items done; now: %s\n", elapsed.Round(time.Second), ready, len(items), strings.Join(now, "; "))
}

// table prints what was done in Markdown and counts what failed.
func table(w io.Writer, items []*item) (failed int) {
	fmt.Fprintln(w, "| item | amount | found lost | found double | result | time | command |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|")
	for _, it := range items {
		verdict := "passed"
		if it.err != nil || it.done.IsZero() {
			failed++
			verdict = "FAILED: " + fmt.Sprint(it.err)
		}
		row := func(name, amount, lost, twice string) {
			fmt.Fprintf(w, "| %s | %s | %s | %s | %s | %s | `%s` |\n", name, amount, lost, twice, verdict,
				it.done.Sub(it.begun).Round(time.Second), strings.ReplaceAll(it.String(), "|", `\|`))
		}
		for _, p := range it.parts {
			amount := fmt.Sprintf("%d", p.Done)
			if p.Note != "" {
				amount += " (" + p.Note + ")"
			}
			row(p.Item, amount, fmt.Sprint(p.Lost), fmt.Sprint(p.Twice))
		}
		if len(it.parts) == 0 {
			amount := it.amount
			if len(it.told) > 0 {
				amount = strings.Join(it.told, "; ")
			}
			row(it.name, amount, "–", "–")
		}
	}
	return failed
}
