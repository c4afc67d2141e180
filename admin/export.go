package admin

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/books"
)

func (c *cli) exportCommand() *cobra.Command {
	cmd := c.leaf("export", "Writes payments as a table, CSV or XLSX, or as JSON lines",
		`
Writes all payments, or those that the filters select, newest first: a CSV table,
to a terminal and into a pipe alike, a workbook with --format xlsx or -o name.xlsx,
or JSON lines with --json, which is --format jsonl. Amounts are in rials: price,
paid, fee, net, given back, owed. Net is empty where the provider's answer does not
say who bears the fee and how much. Dates are in both calendars, in Tehran;
times without it in their name are UTC. decided_by is who decided last.

A file appears under its name when it is whole. In the table a text that a
spreadsheet would calculate has an apostrophe before it, and control characters
are spaces.

With --ledger it writes the whole ledger, with its keys and secrets, into a file
that "caddy payments import" reads, to move to another storage. Caddy must be
stopped: the ledger is opened here. If the file exists and is not complete, it
goes on where it stopped. With --final the ledger is shut afterwards, so that no
Caddy goes on with it by mistake.`,
		exactly(0, "no arguments, only flags"), c.export)
	addFilters(cmd.Flags())
	c.reads(cmd)
	cmd.Flags().String("format", "csv", "csv, xlsx or jsonl (one JSON object a line); by default that of the file's name, else csv")
	cmd.Flags().String("ledger", "", "Write the whole ledger into this file, to move it")
	cmd.Flags().Bool("final", false, "With --ledger: shut the ledger, since payments go on elsewhere")
	cmd.Flags().StringP("output", "o", "-", "File to write; - is standard output")
	flags := c.filtered()
	flags["format"] = among("csv", "xlsx", "jsonl")
	return c.complete(cmd, among(), flags)
}

func (c *cli) export(cmd *cobra.Command, _ []string) (failed error) {
	name, _ := cmd.Flags().GetString("output")
	ledger, _ := cmd.Flags().GetString("ledger")
	final, _ := cmd.Flags().GetBool("final")
	if ledger != "" {
		if c.dryRun {
			return usage("--dry-run doesn't go with --ledger, which writes the whole ledger")
		}
		return c.moveOut(ledger, final)
	}
	if final {
		return usage("--final goes with --ledger")
	}
	format, err := c.formatOf(cmd.Flags(), name)
	if err != nil {
		return err
	}
	resp, err := c.open(http.MethodGet, "export", readFilters(cmd.Flags()), nil, nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	out := c.out
	switch {
	case name == "-":
	case c.dryRun:
		out = io.Discard
	default:
		f, end, err := c.wholly(name)
		if err != nil {
			return fmt.Errorf("writing the export: %w", err)
		}
		defer func() { failed = end(failed) }()
		out = f
	}
	n, err := c.copyTable(resp.Body, format, out)
	if err != nil {
		return fmt.Errorf("after %d payments: %w", n, err)
	}
	c.tell("\r%d payments\n", n)
	if c.dryRun && name != "-" {
		fmt.Fprintf(c.out, "%d payments would be written to %s\n", n, name)
	}
	return nil
}

func (c *cli) copyTable(in io.Reader, format string, out io.Writer) (n int, err error) {
	buffered := bufio.NewWriter(out)
	table, err := formats[format](buffered)
	if err != nil {
		return 0, err
	}
	n, err = c.copyRows(in, table.Write)
	if err == nil {
		err = table.Close()
	}
	if flush := buffered.Flush(); err == nil {
		err = flush
	}
	return n, err
}

// progressEvery is how often a long export says how far it is.
const progressEvery = 500

func (c *cli) copyRows(in io.Reader, write func(operate.Row) error) (n int, err error) {
	dec := json.NewDecoder(in)
	for {
		var row operate.Row
		err := dec.Decode(&row)
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, fmt.Errorf("the export was cut off: %w", err)
		}
		if err := write(row); err != nil {
			return n, err
		}
		if n++; n%progressEvery == 0 {
			c.tell("\r%d payments", n)
		}
	}
}

// lines are JSON lines as a table.
type lines struct{ *json.Encoder }

func (l lines) Write(r operate.Row) error { return l.Encode(r) }
func (l lines) Close() error              { return nil }

func newLines(out io.Writer) (books.Table, error) {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	return lines{enc}, nil
}

// formats are how an export can be written.
var formats = map[string]func(io.Writer) (books.Table, error){"csv": books.NewCSV, "xlsx": books.NewXLSX, "jsonl": newLines}

// formatOf is the format of an export: the one that was asked for, or that of the file's
// name.
func (c *cli) formatOf(flags *pflag.FlagSet, file string) (string, error) {
	format, _ := flags.GetString("format")
	asked := flags.Changed("format")
	if ext := strings.ToLower(strings.TrimPrefix(filepath.Ext(file), ".")); !asked && !c.json && formats[ext] != nil {
		format = ext
	}
	switch {
	case c.json && asked && format != "jsonl":
		return "", usage("choose one of --json and --format %s", format)
	case c.json:
		return "jsonl", nil
	case formats[format] == nil:
		return "", usage("--format must be csv, xlsx or jsonl")
	case format == "xlsx" && file == "-" && c.terminal && !c.dryRun:
		return "", usage("a workbook is nothing for a terminal: name a file with -o")
	}
	return format, nil
}

// wholly opens a file that appears under its name only when it is whole; what stood
// there stays until then. What is no regular file, such as a pipe, is written to as it is.
func (c *cli) wholly(name string) (out io.Writer, end func(error) error, err error) {
	if st, err := os.Stat(name); err == nil && !st.Mode().IsRegular() {
		f, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // the operator's own file
		if err != nil {
			return nil, nil, err
		}
		return f, func(err error) error { return errors.Join(err, f.Close()) }, nil
	}
	f, remove, err := c.newPart(name)
	if err != nil {
		return nil, nil, err
	}
	return f, func(err error) error {
		defer remove()
		if err == nil {
			err = f.Sync()
		}
		if err = errors.Join(err, f.Close()); err == nil {
			err = os.Rename(f.Name(), name)
		}
		return err
	}, nil
}
