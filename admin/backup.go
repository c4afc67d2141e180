package admin

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/archive"
)

// backup streams the ledger. It has no end where something fails on the way, and is not
// taken for one then.
func (c *call) backup() error {
	e, err := c.engine()
	if err != nil {
		return err
	}
	from, ok := e.Store.(storage.Backer)
	if !ok {
		return fmt.Errorf("%w: this storage is a database, which has backups of its own: use its tools, such as pg_dump", operate.ErrNotPossible)
	}
	c.head("application/x-ndjson")
	if _, err := archive.Write(c.r.Context(), from, c.w, func(int64, int64) {}); err != nil {
		panic(http.ErrAbortHandler) // the reader sees a broken answer
	}
	return nil
}

func (c *cli) backupCommand() *cobra.Command {
	return c.reads(c.leaf("backup FILE", "Copies the ledger into a file while Caddy runs",
		`
Writes the whole ledger, as it is at one moment, into a new file, while payments
go on; - is standard output. The file holds the ledger's own keys: keep it as
secret as them. It appears under its name when it is complete and on the disk, and
never replaces another file. "caddy payments restore" makes a ledger of it.

What the relay keeps of gateways' answers is not in it. A ledger in a database has
the database's backups.`,
		exactly(1, "a file (- is standard output)"), c.backup))
}

func (c *cli) backup(_ *cobra.Command, args []string) error {
	name := args[0]
	if name == "-" && c.terminal {
		return usage("a backup is nothing for a terminal: name a file")
	}
	if name != "-" {
		if _, err := os.Lstat(name); err == nil {
			return usage("%s is there already; a backup replaces no file: choose another name", name)
		}
	}
	if c.dryRun {
		fmt.Fprintf(c.out, "the ledger would be written to %s\n", name)
		return nil
	}
	resp, err := c.open(http.MethodPost, "backup", nil, nil, http.NoBody)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if name == "-" {
		// What is written is read along, so that a backup that was cut off fails here.
		if _, err := archive.Look(io.TeeReader(resp.Body, c.out)); err != nil {
			return fmt.Errorf("writing the backup: %w", err)
		}
		return nil
	}
	about, err := c.newFile(name, func(f io.Writer) (archive.About, error) { return archive.Look(io.TeeReader(resp.Body, f)) })
	if err != nil {
		return fmt.Errorf("writing the backup: %w", err)
	}
	return c.printCarried("backed up", about.Summary, about)
}

// newFile writes a file for its owner alone, which appears under its name when it is whole
// and on the disk, where no file is there by then.
func (c *cli) newFile(name string, write func(io.Writer) (archive.About, error)) (about archive.About, err error) {
	f, remove, err := c.newPart(name)
	if err != nil {
		return about, err
	}
	defer remove()
	about, err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return about, err
	}
	// A link is made only where there is nothing, unlike a renamed file.
	if err = os.Link(f.Name(), name); err != nil && !errors.Is(err, fs.ErrExist) {
		if _, there := os.Lstat(name); errors.Is(there, fs.ErrNotExist) {
			err = os.Rename(f.Name(), name) // a file system without links
		}
	}
	if err != nil {
		return about, err
	}
	return about, syncDir(filepath.Dir(name))
}

// syncDir makes a new name durable, where the system lets directories be synced.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	_ = d.Sync() // Windows can't
	return d.Close()
}

func (c *cli) restoreCommand() *cobra.Command {
	return c.changes(c.leaf("restore FILE", "Makes a ledger of a backup, and says what to compare with the provider",
		`
Fills the empty ledger that the configuration names (--config) from a backup.
Caddy must not be running on it. A ledger that has payments is left alone: move
its directory away first. The backup is read through before anything is written,
and what has arrived is compared with it; only then the ledger takes payments, in
a new generation. If it is cut short, the same command goes on.

What was paid after the backup was made is at the provider and not in the ledger:
restore names the commands that find it.`,
		exactly(1, "a backup"), c.restore))
}

func (c *cli) restore(_ *cobra.Command, args []string) error {
	f, err := archive.Open(args[0])
	if err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	about, err := archive.Look(f)
	if err = errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("reading the backup: %w", err)
	}
	if c.dryRun {
		return c.printCarried("would be restored", about.Summary, about)
	}
	err = c.withLedger(true, func(ctx context.Context, s storage.Migrator) error {
		_, err := archive.Import(ctx, s, args[0], c.bar())
		return err
	})
	if err != nil {
		return fmt.Errorf("restoring the ledger: %w", err)
	}
	c.tell("\n")
	if err := c.printCarried("restored", about.Summary, about); err != nil || !c.table() || about.Newest.IsZero() {
		return err
	}
	fmt.Fprintf(c.out, "\nThe ledger knows nothing after %s. Start Caddy, and find what was paid since:\n", lang.When(about.Newest, c.language()))
	for _, name := range about.Providers {
		fmt.Fprintf(c.out, "  caddy payments reconcile %s --from %s\n", clean(name), lang.Date(about.Newest))
	}
	fmt.Fprintln(c.out, "Take over what the shop has credited with import-ids before customers press reload.")
	return nil
}
