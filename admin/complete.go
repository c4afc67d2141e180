package admin

import (
	"encoding/json"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/operate"
)

// completers are what flags offer, by name.
type completers = map[string]cobra.CompletionFunc

// among offers some words, and no files.
func among(words ...string) cobra.CompletionFunc {
	return cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp)
}

// complete is what a command's arguments and flags offer.
func (c *cli) complete(cmd *cobra.Command, args cobra.CompletionFunc, flags completers) *cobra.Command {
	cmd.ValidArgsFunction = args
	for name, f := range flags {
		if err := cmd.RegisterFlagCompletionFunc(name, f); err != nil {
			cobra.CompErrorln(err.Error())
		}
	}
	return cmd
}

// filtered are the flags of [addFilters].
func (c *cli) filtered() completers {
	return completers{"state": states, "provider": c.providerNames, "conversion": among(operate.ReportStates()...), "webhook": among(operate.ReportStates()...)}
}

// states offers the next word of a list with commas.
func states(_ *cobra.Command, _ []string, begun string) ([]string, cobra.ShellCompDirective) {
	at := strings.LastIndexByte(begun, ',') + 1
	var words []string
	for _, s := range operate.StateNames() {
		if strings.HasPrefix(s, begun[at:]) {
			words = append(words, begun[:at]+s)
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// importing offers a provider, then files.
func (c *cli) importing(cmd *cobra.Command, words []string, begun string) ([]string, cobra.ShellCompDirective) {
	if len(words) == 0 {
		return c.providerNames(cmd, words, begun)
	}
	return nil, cobra.ShellCompDirectiveDefault
}

// providerNames are those of --config or of the running Caddy; none if neither
// can be read.
func (c *cli) providerNames(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	var names map[string]any
	if c.config != "" {
		if text, err := c.quietConfig(); err == nil {
			said, _ := readAdmin(text) // what can't be read names nobody
			names = said.Apps.Payments.Providers
		}
	} else if addr, err := c.endpoint(); err == nil {
		wait := c.wait(shellPatience)
		if resp, err := c.inquire(addr, http.MethodGet, "/config/apps/payments/providers", nil, nil, wait, false); err == nil {
			defer resp.Body.Close()
			defer time.AfterFunc(wait, func() { _ = resp.Body.Close() }).Stop()
			const most = 1 << 20
			if json.NewDecoder(io.LimitReader(resp.Body, most)).Decode(&names) != nil {
				names = nil
			}
		}
	}
	return slices.Sorted(maps.Keys(names)), cobra.ShellCompDirectiveNoFileComp
}
