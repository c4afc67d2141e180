package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"
	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/archive"
)

func (c *cli) moveInCommand() *cobra.Command {
	return c.leaf("import ARCHIVE", "Fills an empty ledger from an archive, to move to another storage",
		`
Fills the empty ledger that the configuration names (--config) from a file that
"caddy payments export --ledger" wrote. Caddy must not be running on it. What has
arrived is compared with what was sent, by count and by hash; only then the
ledger takes payments, in a new generation. If it is cut short, the same command
goes on.`,
		exactly(1, "an archive"), c.moveIn)
}

func (c *cli) moveIn(_ *cobra.Command, args []string) error {
	// A file that can't be imported makes no ledger.
	f, err := archive.Open(args[0])
	if err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("reading the archive: %w", err)
	}
	return c.withLedger(true, func(ctx context.Context, s storage.Migrator) error {
		sum, err := archive.Import(ctx, s, args[0], c.bar())
		if err != nil {
			return fmt.Errorf("importing the ledger: %w", err)
		}
		c.tell("\n")
		return c.printCarried("imported", sum, sum)
	})
}

// moveOut is export --ledger.
func (c *cli) moveOut(path string, final bool) error {
	return c.withLedger(false, func(ctx context.Context, s storage.Migrator) error {
		if s.Frozen() == storage.Receiving {
			return storage.ErrReceiving
		}
		sum, err := archive.Export(ctx, s, path, c.bar())
		if err != nil {
			return fmt.Errorf("exporting the ledger: %w", err)
		}
		if final {
			if err := s.SetFrozen(ctx, storage.Moved); err != nil {
				return fmt.Errorf("shutting the ledger: %w", err)
			}
		}
		c.tell("\n")
		return c.printCarried("exported", sum, sum)
	})
}

// printCarried says what was carried over; programs get all that is known about it.
func (c *cli) printCarried(verb string, s archive.Summary, about any) error {
	if !c.table() {
		return c.printJSON(about)
	}
	fmt.Fprintf(c.out, "%s: %d payments, %d keys, %d tracks, %d secrets\nsum %s\n", verb, s.Counts[storage.KindRecord],
		s.Counts[storage.KindKey], s.Counts[storage.KindTrack], s.Counts[storage.KindSecret], s.Sum)
	return nil
}

// bar shows how far it is, a few times a second.
func (c *cli) bar() archive.Progress {
	var last time.Time
	return func(done, of int64) {
		if time.Since(last) < 200*time.Millisecond && done != of {
			return
		}
		last = time.Now()
		if of == 0 {
			c.tell("\r%d entries", done)
			return
		}
		const width = 30
		full := int(done * width / of)
		c.tell("\r[%s%s] %d of %d entries", strings.Repeat("#", full), strings.Repeat(" ", width-full), done, of)
	}
}

// withLedger opens the ledger that the configuration names, here and not in the
// running Caddy. empty: there may be none yet.
func (c *cli) withLedger(empty bool, f func(context.Context, storage.Migrator) error) (err error) {
	raw, err := storageOf(c.config, c.adapter)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	cctx, cancel := caddy.NewContext(caddy.Context{Context: ctx})
	defer cancel()
	name := "badger"
	var fields map[string]json.RawMessage
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, &fields); err != nil {
			return fmt.Errorf("reading the configuration's storage: %w", err)
		}
		if err := json.Unmarshal(fields["module"], &name); err != nil {
			return errors.New("the configuration's storage names no module")
		}
		delete(fields, "module")
	}
	options, err := json.Marshal(fields)
	if err != nil || fields == nil {
		options = []byte("{}")
	}
	mod, err := cctx.LoadModuleByID("payments.storage."+name, options)
	if err != nil {
		return fmt.Errorf("loading the storage: %w", err)
	}
	mover, ok := mod.(storage.Mover)
	if !ok {
		return fmt.Errorf("a ledger in storage %s can't be moved", name)
	}
	s, release, err := mover.OpenToMove(ctx, zap.NewNop(), empty)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	return f(ctx, s)
}

// storageOf is the storage of a configuration as JSON, empty for the default.
func storageOf(file, adapter string) (json.RawMessage, error) {
	config, used, _, err := caddycmd.LoadConfig(file, adapter)
	if err != nil {
		return nil, fmt.Errorf("reading the configuration: %w", err)
	}
	if len(config) == 0 {
		return nil, usage("there is no Caddyfile here: name one with --config")
	}
	var all struct {
		Apps struct {
			Payments *struct {
				Storage json.RawMessage `json:"storage"`
			} `json:"payments"`
		} `json:"apps"`
	}
	if err := json.Unmarshal(config, &all); err != nil {
		return nil, fmt.Errorf("reading %s: %w", used, err)
	}
	if all.Apps.Payments == nil {
		return nil, fmt.Errorf("%s has no payments", used)
	}
	return all.Apps.Payments.Storage, nil
}
