package admin

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// Listed is the answer of `GET /payments/list`.
type Listed struct {
	Payments []operate.Row `json:"payments"`
	// Next is the cursor of the next page; empty at the end. A page may be short
	// and yet go on.
	Next string `json:"next,omitempty"`
}

// Findings is the answer of `GET /payments/doctor`.
type Findings struct {
	Findings []operate.Finding `json:"findings"`
}

func (c *call) summary() error {
	return answered(c, func(ctx context.Context, e *engine.Engine) (operate.Summary, error) {
		s, err := operate.Summarize(ctx, e, c.app.ProviderNames())
		if err != nil {
			return s, err
		}
		s.Health = c.app.Health()
		s.Troubles = []operate.Finding{}
		for _, f := range c.app.Money(ctx, c.lang) {
			if f.Level != operate.LevelOK {
				s.Troubles = append(s.Troubles, f)
			}
		}
		return s, nil
	})
}

func (c *call) rows(e *engine.Engine, records []*payment.Record) []operate.Row {
	rows := make([]operate.Row, 0, len(records))
	for _, r := range records {
		rows = append(rows, operate.NewRow(e, r, c.lang))
	}
	return rows
}

func (c *call) list() error {
	q, err := operate.ParseListing(c.r.URL.Query(), time.Now())
	if err != nil {
		return err
	}
	return answered(c, func(ctx context.Context, e *engine.Engine) (Listed, error) {
		page, err := operate.List(ctx, e, q)
		return Listed{Payments: c.rows(e, page.Records), Next: page.Next}, err
	})
}

func (c *call) show() error {
	return answered(c, func(ctx context.Context, e *engine.Engine) (operate.View, error) {
		rec, err := operate.Get(ctx, e, c.ref)
		if err != nil {
			return operate.View{}, err
		}
		return operate.NewView(ctx, e, rec, c.lang), nil
	})
}

// export streams. Once the first line is out there is no status to change: a
// failure cuts the connection, which the reader sees as a broken answer.
func (c *call) export() error {
	q, err := operate.ParseListing(c.r.URL.Query(), time.Now())
	if err != nil {
		return err
	}
	e, err := c.engine()
	if err != nil {
		return err
	}
	if c.r.URL.Query().Get("limit") == "" {
		q.Limit = 500
	}
	out := json.NewEncoder(c.w)
	control := http.NewResponseController(c.w)
	for first := true; ; first = false {
		page, err := operate.List(c.r.Context(), e, q)
		if err != nil && first {
			return err
		}
		if first {
			c.head("application/x-ndjson")
		}
		for _, row := range c.rows(e, page.Records) {
			if err == nil {
				err = out.Encode(row)
			}
		}
		if err == nil {
			err = c.r.Context().Err()
		}
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		_ = control.Flush() // a writer that can't flush sends it all at the end
		if page.Next == "" {
			return nil
		}
		q.Cursor = page.Next
	}
}

func (c *call) doctor() error {
	findings := c.app.Doctor(c.r.Context(), c.lang)
	if findings == nil {
		findings = []operate.Finding{}
	}
	return c.answer(Findings{findings})
}
