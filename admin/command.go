package admin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"golang.org/x/term"
)

func init() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "payments",
		Usage: "COMMAND",
		Short: "Looks after the payments of a running Caddy",
		Long: `
Looks after the payments of a running Caddy, through its admin endpoint.

Tables are for people: into a pipe, or with --json, the answers are JSON.
(export writes CSV into both, and JSON lines with --json.)
What changes a payment takes --dry-run and then says what would happen; what
only reads takes it too, and changes nothing either way.

On a terminal, states and findings have colours, unless NO_COLOR is set, and
tables that are wider than it are written as blocks.

Exit status: 0 done, 1 failed, 2 wrong usage, 3 not possible for this payment.`,
		CobraFunc: func(cmd *cobra.Command) { newCLI().build(cmd) },
	})
}

// The exit statuses.
const (
	exitFailed      = 1
	exitUsage       = 2
	exitNotPossible = 3
)

// failure is an error with the exit status that it leads to.
type failure struct {
	status int
	err    error
}

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

func usage(format string, args ...any) error {
	return &failure{exitUsage, fmt.Errorf(format, args...)}
}

// cli is one run of the command.
type cli struct {
	address, config, adapter string
	lang                     string
	json, dryRun             bool
	// admin is the endpoint's address, once it was found.
	admin string

	in       io.Reader
	out, err io.Writer
	// terminal: out is read by a person; progress: err is.
	terminal, progress bool
	// width is the columns of the terminal; 0 where lines may be as long as they are.
	width int
	// answers: in is a person.
	answers bool
	// patience is how long a Caddy that says nothing is waited for; 0 for what each request has.
	patience time.Duration
	// status is what the run ends with.
	status int
}

func newCLI() *cli {
	c := &cli{in: os.Stdin, answers: term.IsTerminal(int(os.Stdin.Fd()))}
	c.out, c.terminal, c.width = onto(os.Stdout)
	c.err, c.progress, _ = onto(os.Stderr)
	return c
}

// table is whether to print for people.
func (c *cli) table() bool { return c.terminal && !c.json }

func (c *cli) build(root *cobra.Command) {
	root.Args = cobra.ArbitraryArgs
	root.RunE = c.run(func(cmd *cobra.Command, args []string) error {
		if len(args) > 0 {
			return usage("there is no command %q; see caddy payments --help", args[0])
		}
		return cmd.Help()
	})
	f := root.PersistentFlags()
	f.StringVar(&c.address, "address", "", "Address of the admin endpoint, if not the default or the one of --config")
	f.StringVarP(&c.config, "config", "c", "", "Configuration file to find the admin endpoint in")
	f.StringVarP(&c.adapter, "adapter", "a", "", "Adapter of the configuration file, such as caddyfile")
	f.BoolVar(&c.json, "json", false, "Print JSON to a terminal too")
	f.StringVar(&c.lang, "lang", "en", "Language of explanations: en or fa")
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return c.run(func(*cobra.Command, []string) error { return &failure{exitUsage, err} })(cmd, nil)
	})
	root.AddCommand(
		c.statusCommand(), c.listCommand(), c.showCommand(), c.verifyCommand(), c.resendCommand(), c.resolveCommand(), c.webhooksCommand(),
		c.refundCommand(), c.reverseCommand(), c.relayCertCommand(),
		c.demoCommand(), c.sandboxCommand(), c.initCommand(), c.keysCommand(), c.importCommand(), c.moveInCommand(), c.exportCommand(), c.doctorCommand(), c.statsCommand(),
		c.reconcileCommand(), c.backupCommand(), c.restoreCommand(), c.eraseCommand(),
	)
}

// changes adds the flag of everything that changes something.
func (c *cli) changes(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVarP(&c.dryRun, "dry-run", "n", false, "Say what would happen and do nothing")
	return cmd
}

// reads adds the same flag to what only reads, so that it may stand on every
// command.
func (c *cli) reads(cmd *cobra.Command) *cobra.Command {
	cmd.Flags().BoolVarP(&c.dryRun, "dry-run", "n", false, "Taken, as everywhere; this command changes nothing anyway")
	return cmd
}

// run turns an error into a line on stderr and an exit status.
func (c *cli) run(f func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := f(cmd, args)
		if err == nil {
			return nil
		}
		cmd.SilenceErrors, cmd.SilenceUsage = true, true
		fmt.Fprintln(c.err, "caddy payments:", err)
		c.status = exitFailed
		var fail *failure
		if errors.As(err, &fail) {
			c.status = fail.status
		}
		if c.status == exitFailed {
			return err
		}
		// Only Caddy can make the error that its main turns into a status.
		return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return c.status, nil })(cmd, args)
	}
}

// exactly is how many arguments a command takes; what names them.
func exactly(n int, what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != n {
			return usage("expected %s", what)
		}
		return nil
	}
}

// leaf is a command without commands below it. Its arguments are checked in
// run, so that a wrong number ends with the status of wrong usage.
func (c *cli) leaf(use, short, long string, args cobra.PositionalArgs, f func(*cobra.Command, []string) error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Long: long, Example: exampleOf(use), Args: cobra.ArbitraryArgs,
		RunE: c.run(func(cmd *cobra.Command, given []string) error {
			if err := args(cmd, given); err != nil {
				return err
			}
			return f(cmd, given)
		}),
	}
}
