package handlers

import (
	"errors"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"

	"github.com/rahgir/caddy-payments/internal/pages"
)

// startUnread begins without a catalogue that can't be read, if this is the start of a
// server. The other sites of this Caddy did nothing wrong: a file that was half written when
// the power went must not keep them down. A reload and `caddy validate` refuse it, because
// there the owner is looking, and what ran before runs on.
//
// Its invariant: what a file says is sold when the whole of it could be read, at the start
// as later. Until then what only the file could name is answered 503, and the owner is told.
func (c *Checkout) startUnread(err error) error {
	if !errors.Is(err, errUnreadable) || !starting() {
		return err
	}
	w, err := c.stocked(c.ownItems())
	if err != nil {
		return err
	}
	w.unread = true
	c.conf.stock.now.Store(w)
	return nil
}

// starting reports whether this process takes its first configuration, to serve it. Caddy
// tells nobody that a configuration is only looked at, so the command says it.
func starting() bool {
	return caddy.ActiveContext().Context == nil && !slices.Contains([]string{"validate", "adapt"}, command())
}

func command() string {
	if len(os.Args) < 2 {
		return ""
	}
	return os.Args[1]
}

// unread reports whether a path below the checkout may be something to buy that stands in a
// catalogue which nobody could read.
func (c *Checkout) unread(path string) bool {
	if c.Catalogue == "" || !c.conf.stock.now.Load().unread {
		return false
	}
	rest, below := strings.CutPrefix(path, c.Path+"/")
	return below && rest != ""
}

// serveUnread answers for it: nothing was paid, and it is worth to come again.
func (h *Handler) serveUnread(w http.ResponseWriter, r *http.Request) error {
	return h.write(w, r, pages.Page{Kind: pages.NotStarted, ShopURL: h.home(r)}, nil)
}
