package operate

import (
	"context"

	"github.com/rahgir/caddy-payments/engine"
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
	// surroundings. It changes nothing.
	Doctor(ctx context.Context) []Finding
	// Money looks for what costs money now, or soon will: the part of Doctor that
	// changes with what customers, providers and shops do.
	Money(ctx context.Context) []Finding
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
