package admin

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
)

func (c *cli) exportCommand() *cobra.Command {
	cmd := c.leaf("export", "Writes payments as a CSV table or as JSON lines",
		`
Writes all payments, or those that the filters select, newest first: a CSV table,
to a terminal and into a pipe alike, or JSON lines with --json, which is
--format jsonl. Amounts are in rials, times in UTC; CSV has one more column with
the Iranian date of the payment.

With --ledger it writes the whole ledger, with its keys and secrets, into a file
that "caddy payments import" reads, to move to another storage. Caddy must be
stopped: the ledger is opened here. If the file exists and is not complete, it
goes on where it stopped. With --final the ledger is shut afterwards, so that no
Caddy goes on with it by mistake.`,
		exactly(0, "no arguments, only flags"), c.export)
	addFilters(cmd.Flags())
	c.reads(cmd)
	cmd.Flags().String("format", "csv", "csv or jsonl (one JSON object a line)")
	cmd.Flags().String("ledger", "", "Write the whole ledger into this file, to move it")
	cmd.Flags().Bool("final", false, "With --ledger: shut the ledger, since payments go on elsewhere")
	cmd.Flags().StringP("output", "o", "-", "File to write; - is standard output")
	flags := c.filtered()
	flags["format"] = among("csv", "jsonl")
	return c.complete(cmd, among(), flags)
}

func (c *cli) export(cmd *cobra.Command, _ []string) (err error) {
	format, _ := cmd.Flags().GetString("format")
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
	if c.json {
		if cmd.Flags().Changed("format") && format != "jsonl" {
			return usage("choose one of --json and --format %s", format)
		}
		format = "jsonl"
	}
	if format != "csv" && format != "jsonl" {
		return usage("--format must be csv or jsonl")
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
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600) //nolint:gosec // the operator's own file
		if err != nil {
			return fmt.Errorf("writing the export: %w", err)
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		out = f
	}
	buffered := bufio.NewWriter(out)
	write, err := c.writer(format, buffered)
	if err != nil {
		return err
	}
	n, err := c.copyRows(resp.Body, write)
	if flush := buffered.Flush(); err == nil {
		err = flush
	}
	if err != nil {
		return fmt.Errorf("after %d payments: %w", n, err)
	}
	c.tell("\r%d payments\n", n)
	if c.dryRun && name != "-" {
		fmt.Fprintf(c.out, "%d payments would be written to %s\n", n, name)
	}
	return nil
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

func (c *cli) writer(format string, out io.Writer) (func(operate.Row) error, error) {
	if format == "jsonl" {
		enc := json.NewEncoder(out)
		enc.SetEscapeHTML(false)
		return func(r operate.Row) error { return enc.Encode(r) }, nil
	}
	table := csv.NewWriter(out)
	if err := table.Write(csvHeader); err != nil {
		return nil, err
	}
	table.Flush()
	return func(r operate.Row) error {
		if err := table.Write(csvRow(r)); err != nil {
			return err
		}
		table.Flush()
		return table.Error()
	}, table.Error()
}

var csvHeader = []string{
	"ref", "state", "reason", "money", "environment", "site", "provider", "id", "order", "item",
	"amount_rials", "found_rials", "paid_rials", "receipt_number", "bank_reference", "card", "paid_at",
	"deliveries", "affiliate", "track_id", "conversion", "created_at", "created_jalali", "updated_at",
}

func csvRow(r operate.Row) []string {
	cells := []string{
		string(r.Ref), string(r.State), string(r.Reason), string(r.Money), r.Environment, r.Site, r.Provider, r.ID, r.Order, r.Item,
		number(r.Amount), number(r.Found), number(r.Paid), r.Number, r.Reference, r.Card, stamp(r.PaidAt),
		strconv.Itoa(r.Deliveries), r.Affiliate, r.TrackID, string(r.Conversion), stamp(r.CreatedAt),
		lang.Date(r.CreatedAt), stamp(r.UpdatedAt),
	}
	for i, s := range cells {
		cells[i] = inert(s)
	}
	return cells
}

// inert keeps a spreadsheet from calculating what a customer wrote.
func inert(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}
