package admin

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/strictjson"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

const (
	maxBody   = 16 << 10
	maxImport = 8 << 20
)

// Changed is the answer of every route that changes something.
type Changed struct {
	// Done is false for a dry run.
	Done bool `json:"done"`
	// Would says what the change does.
	Would string `json:"would"`
	// Warn says what to make sure of first.
	Warn    string       `json:"warn,omitempty"`
	Payment operate.View `json:"payment"`
}

// Resolve is the body of `POST /payments/resolve/<ref>`.
type Resolve struct {
	Decision string `json:"decision"`
	By       string `json:"by,omitempty"`
	Note     string `json:"note,omitempty"`
	// Version is the one that the person saw; with it nobody decides on a payment
	// that changed meanwhile.
	Version uint64 `json:"version,omitempty"`
}

// Resend is the body of `POST /payments/resend/<ref>`.
type Resend struct {
	// What is `delivery` or `conversion`. Default: delivery for a parked payment,
	// else conversion.
	What    string `json:"what,omitempty"`
	By      string `json:"by,omitempty"`
	Note    string `json:"note,omitempty"`
	Version uint64 `json:"version,omitempty"`
}

func (c *call) verify() error {
	return c.decide(operate.Choice{Key: "verify"})
}

func (c *call) resolve() error {
	var in Resolve
	if err := c.body(&in); err != nil {
		return err
	}
	if _, ok := payment.RuleOf(payment.Decision(in.Decision)); !ok {
		return badInput("there is no decision %.40q; they are %s", in.Decision, payment.DecisionNames())
	}
	return c.decide(operate.Choice{Key: in.Decision, By: in.By, Note: in.Note, Version: in.Version})
}

func (c *call) resend() error {
	var in Resend
	if err := c.body(&in); err != nil {
		return err
	}
	choice := operate.Choice{Resend: true, By: in.By, Note: in.Note, Version: in.Version}
	switch in.What {
	case "delivery":
		choice.Key = string(payment.DecideRedeliver)
	case "conversion":
		choice.Key = "report"
	case "":
		e, err := c.engine()
		if err != nil {
			return err
		}
		rec, err := operate.Get(c.r.Context(), e, c.ref)
		if err != nil {
			return err
		}
		choice.Key = "report"
		if rec.State == payment.Parked {
			choice.Key = string(payment.DecideRedeliver)
		}
	default:
		return badInput("what must be delivery or conversion")
	}
	return c.decide(choice)
}

func (c *call) decide(choice operate.Choice) error {
	choice.DryRun = c.dryRun
	return c.changed(func(ctx context.Context, e *engine.Engine) (operate.Outcome, error) {
		return operate.Decide(ctx, e, c.ref, choice, c.lang)
	})
}

// body reads a JSON object; none at all is an empty one.
//
// Invariant: what is read is what every other reader of the same bytes reads. A proxy or a
// log before this API must not see another amount or order than we do.
func (c *call) body(into any) error {
	text, err := io.ReadAll(c.r.Body)
	if err != nil {
		return badInput("the body can't be read: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); errors.Is(err, io.EOF) {
		return nil
	} else if err != nil {
		return badInput("the body is not the JSON object that is expected here: %w", err)
	}
	switch _, err := dec.Token(); {
	case errors.Is(err, io.EOF):
		if err := strictjson.Unambiguous(text); err != nil {
			return badInput("the body can be read in two ways: %w", err)
		}
		return nil
	case err != nil:
		return badInput("the body goes on after its JSON object: %w", err)
	}
	return badInput("the body goes on after its JSON object")
}

func (c *call) importIDs() error {
	issuer, err := c.issuer(c.r.URL.Query().Get("provider"))
	if err != nil {
		return err
	}
	ids, err := readIDs(c.r.Body)
	if err != nil {
		return badInput("%w", err)
	}
	return answered(c, func(ctx context.Context, e *engine.Engine) (operate.Imported, error) {
		return operate.Import(ctx, e, issuer, ids, c.dryRun)
	})
}

// readIDs reads one id a line and skips empty lines.
func readIDs(r io.Reader) ([]string, error) {
	var ids []string
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		if id := strings.TrimSpace(strings.TrimPrefix(lines.Text(), "\ufeff")); id != "" {
			ids = append(ids, id)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the ids: %w", err)
	}
	if len(ids) == 0 {
		return nil, errors.New("there are no ids; write one a line")
	}
	return ids, nil
}

func badInput(format string, args ...any) error {
	err := fmt.Errorf(format, args...)
	if large, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return tooLarge(large.Limit)
	}
	return status(http.StatusBadRequest, err)
}

func tooLarge(most int64) error {
	return status(http.StatusRequestEntityTooLarge, fmt.Errorf("the body is too large: this route takes %d bytes at most", most))
}
