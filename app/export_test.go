package app

import (
	"time"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/operate/meters"
	"github.com/rahgir/caddy-payments/operate/watch"
)

// What the tests outside of this package look at: they load Caddyfiles, whose grammar
// stands above the app.

func (a *App) Sites() *handlers.Sites                       { return a.sites }
func (a *App) DoctorProvider(name string) []operate.Finding { return a.doctorProvider(name, lang.EN) }
func (a *App) DoctorAffiliates() []operate.Finding          { return a.doctorAffiliates(lang.EN) }
func (a *App) LookAgain() {
	a.opened.Lock()
	defer a.opened.Unlock()
	a.opened.looked = time.Time{}
}
func (a *App) Listens() bool               { return a.observer.events.now.Load() != nil }
func (a *App) Wants(event string) bool     { return a.observer.events.wants(event) }
func (a *App) FlushEvents(d time.Duration) { a.observer.events.queue.Flush(d) }
func ProcessMeters() *meters.Meters        { return processMeters() }
func ProcessWatch() *watch.Watch           { return processWatch }
