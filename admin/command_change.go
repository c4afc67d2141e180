package admin

import (
	"fmt"
	"net/url"
	"os"
	"os/user"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rahgir/caddy-payments/payment"
)

// who is the default of --by: the account that runs the command.
func who() string {
	name := os.Getenv("SUDO_USER")
	if u, err := user.Current(); name == "" && err == nil {
		name = u.Username
	}
	if host, err := os.Hostname(); err == nil && name != "" {
		name += "@" + host
	}
	return name
}

// addNote adds the flags of who and why.
func addNote(f *pflag.FlagSet) {
	f.String("by", who(), "Who decides; kept with the payment")
	f.String("note", "", "Why; kept with the payment. A decision needs it")
	f.Uint64("version", 0, "Only if the payment still has the version that show printed")
}

func readNote(f *pflag.FlagSet) (by, note string, version uint64) {
	by, _ = f.GetString("by")
	note, _ = f.GetString("note")
	version, _ = f.GetUint64("version")
	return by, note, version
}

func (c *cli) verifyCommand() *cobra.Command {
	return c.complete(c.changes(c.leaf("verify REFERENCE", "Asks the provider about a payment now",
		"\nAsks the provider now, whatever the schedule says. If it is paid, it is settled and handed to the shop.",
		exactly(1, "the reference of one payment"), func(_ *cobra.Command, args []string) error {
			return c.change("verify/"+url.PathEscape(args[0]), struct{}{})
		})), c.referring, nil)
}

func (c *cli) resendCommand() *cobra.Command {
	cmd := c.changes(c.leaf("resend REFERENCE", "Hands a parked payment over again, or reports its conversion again",
		"\nHands a parked payment to the shop again, or reports a conversion again that was rejected or given up.\nLook in the shop first: it may have the order already.",
		exactly(1, "the reference of one payment"), func(cmd *cobra.Command, args []string) error {
			what, _ := cmd.Flags().GetString("what")
			if what != "" && what != "delivery" && what != "conversion" {
				return usage("--what must be delivery or conversion")
			}
			by, note, version := readNote(cmd.Flags())
			return c.change("resend/"+url.PathEscape(args[0]), Resend{What: what, By: by, Note: note, Version: version})
		}))
	cmd.Flags().String("what", "", "delivery or conversion; by default what the payment's state asks for")
	addNote(cmd.Flags())
	return c.complete(cmd, c.referring, completers{"what": among("delivery", "conversion")})
}

// decisions are what a person may decide.
func decisions() []string {
	var names []string
	for _, d := range payment.Decisions() {
		names = append(names, string(d.Key))
	}
	return names
}

func (c *cli) resolveCommand() *cobra.Command {
	cmd := c.changes(c.leaf("resolve REFERENCE "+strings.Join(decisions(), "|"), "Decides about a payment that waits for a person",
		`
Decides about a payment that waits for a person:

    accept     (review) take it as good and hand the order to the shop
    reject     (review) close it without an order; what was paid is owed from then on
    credited   (parked) the shop has it; nothing is handed over
    redeliver  (parked) hand it to the shop again
    repaid     the money was paid back to the payer

--note says why, and is needed. Who and why are kept with the payment. show prints what each decision means
for this payment, and the version that --version compares.`,
		exactly(2, "the reference of one payment and a decision: "+payment.DecisionNames()),
		func(cmd *cobra.Command, args []string) error {
			by, note, version := readNote(cmd.Flags())
			return c.change("resolve/"+url.PathEscape(args[0]), Resolve{Decision: args[1], By: by, Note: note, Version: version})
		}))
	addNote(cmd.Flags())
	return c.complete(cmd, c.deciding, nil)
}

// change carries a change out and says what became of the payment.
func (c *cli) change(route string, body any) error {
	var out Changed
	if err := c.post(route, body, &out); err != nil {
		return err
	}
	if !c.table() {
		return c.printJSON(out)
	}
	p := out.Payment
	if !out.Done {
		fmt.Fprintf(c.out, "nothing was done. It would do this to %s, which is %s: %s\n", p.Ref, p.State, out.Would)
		if out.Warn != "" {
			fmt.Fprintf(c.out, "! %s\n", out.Warn)
		}
		return nil
	}
	fmt.Fprintf(c.out, "%s is now %s: %s\n", p.Ref, p.State, strings.TrimSpace(p.Explanation.Why))
	if out.Warn != "" && len(p.Refunds) > 0 {
		fmt.Fprintf(c.out, "! %s\n", out.Warn)
	}
	return nil
}
