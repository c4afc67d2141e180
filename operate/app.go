package operate

import (
	"context"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/lang"
)

// App is what the admin API, the command and the dashboard need of the payments app.
type App interface {
	// Engine returns the engine, waiting a moment while the store is being
	// opened.
	Engine(ctx context.Context) (*engine.Engine, error)
	// ProviderNames are the configured providers, sorted.
	ProviderNames() []string
	// ProviderIssuer is who gives out the ids of a configured provider.
	ProviderIssuer(name string) (string, bool)
	// Doctor looks for what is wrong with the configuration and its
	// surroundings. It changes nothing. The texts are in the language l, but for those
	// about how the Caddyfile is written: they are in English, as its errors are.
	Doctor(ctx context.Context, l lang.Lang) []Finding
	// Money looks for what costs money now, or soon will: the part of Doctor that
	// changes with what customers, providers and shops do.
	// The texts are in the language l.
	Money(ctx context.Context, l lang.Lang) []Finding
	// Health is how providers, shops and the ledger have been lately, from memory.
	Health() Health
}

// Health is how the process has seen providers, shops and the ledger lately.
type Health struct {
	Providers []ProviderHealth `json:"providers"`
	Shops     []ShopHealth     `json:"shops"`
	Ledger    LedgerHealth     `json:"ledger"`
}

// ProviderHealth is how a provider has answered.
type ProviderHealth struct {
	Name    string `json:"name"`
	Sandbox bool   `json:"sandbox,omitempty"`
	Up      bool   `json:"up"`
	// Cause is why it is down: unanswered, refused, create; and Since since when.
	Cause string    `json:"cause,omitempty"`
	Since time.Time `json:"since,omitzero"`
	// Answered is when it answered last; zero if not since the start.
	Answered time.Time `json:"answered,omitzero"`
}

// ShopHealth is how a site has taken hand-overs.
type ShopHealth struct {
	Site string `json:"site"`
	// Took is when it took one last; Fails is how many in a row it has not taken since
	// Since.
	Took  time.Time `json:"took,omitzero"`
	Fails int       `json:"fails,omitempty"`
	Since time.Time `json:"since,omitzero"`
	Why   string    `json:"why,omitempty"`
}

// LedgerHealth is how the ledger was when it was looked at last.
type LedgerHealth struct {
	Seen time.Time `json:"seen,omitzero"`
	// Trouble is why it takes no new payments.
	Trouble string `json:"trouble,omitempty"`
	// Bytes is its size, and Room what may be written before new payments are refused;
	// -1 where that is not known. FullIn is in how many seconds it is full, at the pace
	// of the last hours; 0 where that can't be said.
	Bytes      int64  `json:"bytes"`
	Room       int64  `json:"room"`
	FullIn     int64  `json:"full_in_seconds,omitempty"`
	Generation uint32 `json:"generation,omitempty"`
	// Nodes is how many nodes work on it.
	Nodes int `json:"nodes"`
}

// Level says how bad a finding is.
type Level string

// The levels.
const (
	LevelOK    Level = "ok"
	LevelWarn  Level = "warn"
	LevelError Level = "error"
)

// Finding is one line of the doctor's list.
type Finding struct {
	Level Level `json:"level"`
	// Code names the check, for programs.
	Code string `json:"code"`
	// Text is one sentence without secrets.
	Text string `json:"text"`
	// Where is the site, provider or file that it concerns, if any.
	Where string `json:"where,omitempty"`
}

// bracket is an app that counts its users, so that a reload does not close the store
// while a request uses it.
type bracket interface {
	Enter()
	Leave()
}

// Use marks the app as being used until the returned function is called.
func Use(app any) (done func()) {
	if b, ok := app.(bracket); ok {
		b.Enter()
		return b.Leave
	}
	return func() {}
}
