package handlers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/internal/catalogue"
	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// ware is an item that is sold now.
type ware struct {
	catalogue.Item
	// most is how many may be bought at once.
	most int
}

// titles are what people read, in either language.
func (w *ware) titles() lang.Text {
	t := lang.Text{w.TitleEN, w.TitleFA}
	for i := range t {
		for _, other := range []string{w.Title, t[1-i], w.SKU} {
			if t[i] == "" {
				t[i] = other
			}
		}
	}
	return t
}

// wares are all that a checkout sells, in the order in which they are written.
type wares struct {
	list  []*ware
	bySKU map[string]*ware
	// unread says that the catalogue could not be read since the start: what the Caddyfile
	// names is sold, and whether anything else is, nobody knows.
	unread bool
}

// stock is what a checkout sells: the items of the Caddyfile, and those of its catalogue,
// which is read again when the file changes.
//
// Its invariant: what is sold is the whole of the last file that could be read without a
// fault. A file that can't is told of (log, event, doctor) and changes nothing.
type stock struct {
	now atomic.Pointer[wares]
	// wrong is what is wrong with the file as it is now; nil where it is sold.
	wrong atomic.Pointer[string]
	seen  fs.FileInfo
}

// catalogueEvery is how often a catalogue's file is looked at. A variable, so that tests
// need not wait.
var catalogueEvery = time.Second

// catalogueRest is how long a table whose last line has no end must have rested.
var catalogueRest = 30 * time.Second

// items are what is sold now.
func (c *Checkout) items() []*ware {
	if c.conf.stock == nil {
		return nil
	}
	return c.conf.stock.now.Load().list
}

// ware finds what is sold by its sku.
func (c *Checkout) ware(sku string) *ware {
	if c.conf.stock == nil {
		return nil
	}
	return c.conf.stock.now.Load().bySKU[sku]
}

// loadStock reads the catalogue, if there is one, and puts it beside the Caddyfile's
// items. What is wrong with the file is an errUnreadable.
func (c *Checkout) loadStock() error {
	own := c.ownItems()
	w, err := c.stocked(own)
	if err != nil {
		return err // the Caddyfile's own fault, however the file is
	}
	if c.Catalogue == "" {
		c.conf.stock.now.Store(w)
		return nil
	}
	info, items, err := c.readCatalogue()
	if err == nil {
		w, err = c.stocked(append(own, items...))
	}
	if err != nil {
		return fmt.Errorf("%w: %w", errUnreadable, err)
	}
	c.conf.stock.now.Store(w)
	c.conf.stock.seen = info // only what is sold: a file that can't be sold stays wrong
	return nil
}

// ownItems are those of the Caddyfile.
func (c *Checkout) ownItems() []catalogue.Item {
	own := make([]catalogue.Item, 0, len(c.Items))
	for _, it := range c.Items {
		own = append(own, catalogue.Item{
			SKU: it.SKU, Price: payment.Rials(it.Amount), Title: it.Title, TitleFA: it.TitleFA, TitleEN: it.TitleEN,
			Picture: it.Picture, Quantity: it.Quantity,
		})
	}
	return own
}

// stocked are items that this checkout can sell, or what is wrong with one of them.
func (c *Checkout) stocked(all []catalogue.Item) (*wares, error) {
	w := &wares{bySKU: make(map[string]*ware, len(all))}
	lower := make(map[string]bool, len(all))
	for _, it := range all {
		made, err := c.judged(it)
		if err == nil && lower[strings.ToLower(it.SKU)] {
			err = fmt.Errorf("sku: %s is sold twice by this checkout", it.SKU)
		}
		if err != nil {
			if it.Line > 0 {
				err = &catalogue.Error{File: filepath.Base(c.Catalogue), Line: it.Line, Err: err}
			}
			return nil, err
		}
		lower[strings.ToLower(it.SKU)] = true
		w.bySKU[it.SKU] = made
		w.list = append(w.list, made)
	}
	return w, nil
}

func (c *Checkout) readCatalogue() (fs.FileInfo, []catalogue.Item, error) {
	info, err := os.Stat(c.Catalogue)
	if err != nil {
		return nil, nil, readable(err)
	}
	if !info.Mode().IsRegular() {
		return nil, nil, errNoFile
	}
	items, err := catalogue.Load(c.Catalogue)
	return info, items, err
}

// errUnreadable is wrapped by what is wrong with a catalogue's file.
var errUnreadable = errors.New("catalogue")

// errNoFile: to read a pipe, or a device, may never end.
var errNoFile = errors.New("it is no ordinary file")

// readable says who can't read a file, in place of what the system calls it.
func readable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w: write the whole path, or one from the directory in which Caddy runs", err)
	case errors.Is(err, fs.ErrPermission):
		return fmt.Errorf("%w: let the user that Caddy runs as read it", err)
	}
	return err
}

// judged is an item that every gateway of the checkout can sell.
func (c *Checkout) judged(it catalogue.Item) (*ware, error) {
	if err := c.checkItem(it); err != nil {
		return nil, err
	}
	w := &ware{Item: it, most: 1}
	if c.Quantity > 0 {
		w.most = c.Quantity
		if it.Quantity > 0 {
			w.most = it.Quantity
		}
	}
	for _, g := range c.conf.gateways {
		p := g.provider.terms.Protocol
		if err := p.CheckAmount(it.Price); err != nil {
			return nil, fmt.Errorf("item %s: provider %s doesn't accept its price: %w", it.SKU, g.provider.Name, err)
		}
		// No quantity is offered that the gateway would refuse, or whose sum no number
		// holds.
		greatest := catalogue.MaxPrice
		if p.Max > 0 {
			greatest = min(greatest, p.Max)
		}
		w.most = int(min(int64(w.most), max(1, int64(greatest/it.Price))))
	}
	return w, nil
}

// checkItem refuses what this checkout can't sell.
func (c *Checkout) checkItem(it catalogue.Item) error {
	if err := catalogue.CheckSKU(it.SKU); err != nil {
		return fmt.Errorf("item: %w", err)
	}
	switch {
	case it.SKU == donation && c.conf.donates:
		return fmt.Errorf("item %s: that is what a payment by `donate` is called, so any sum would open what it opens; give it another name", donation)
	case strings.EqualFold(it.SKU, catalogue.Receipt) && c.Receipt:
		return fmt.Errorf("item %s: that is where `receipt` has its page; give it another name", it.SKU)
	case it.Quantity > 0 && it.Quantity > catalogue.MaxQuantity:
		return fmt.Errorf("item %s: quantity %d is more than %d", it.SKU, it.Quantity, catalogue.MaxQuantity)
	}
	for _, title := range []string{it.Title, it.TitleFA, it.TitleEN} {
		if err := catalogue.CheckTitle(title); err != nil {
			return fmt.Errorf("item %s: %w", it.SKU, err)
		}
	}
	if it.Picture != "" {
		if err := catalogue.CheckPicture(it.Picture); err != nil {
			return fmt.Errorf("item %s: picture: %w", it.SKU, err)
		}
	}
	return nil
}

// follow looks at the file of the catalogue until ctx ends. A file is read once it has
// stayed the same from one look to the next: an editor may still be writing it.
func (c *Checkout) follow(ctx context.Context, h *Handler) {
	tick := time.NewTicker(catalogueEvery)
	defer tick.Stop()
	var settling fs.FileInfo
	var failed fs.FileInfo
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		info, err := os.Stat(c.Catalogue)
		if err != nil {
			c.broken(h, fmt.Errorf("%w: %w", errUnreadable, readable(err)))
			settling, failed = nil, nil
			continue
		}
		if same(info, c.conf.stock.seen) {
			c.conf.stock.wrong.Store(nil) // what is sold is there again
			continue
		}
		if same(info, failed) {
			continue
		}
		if !same(info, settling) {
			settling = info
			continue
		}
		if time.Since(info.ModTime()) < catalogueRest && insideALine(c.Catalogue, info.Size()) {
			continue // the rest may be on its way, and a price that is cut is a price, too
		}
		if err := c.loadStock(); err != nil {
			failed = info
			c.broken(h, err)
			continue
		}
		failed = nil
		c.conf.stock.wrong.Store(nil)
		h.log.Info("the catalogue was read again", zap.String("checkout", c.Path), zap.String("file", c.Catalogue), zap.Int("items", len(c.items())))
	}
}

// insideALine reports whether a table ends before its last line does. A JSON file that is
// cut can't be read in any case.
func insideALine(file string, size int64) bool {
	if size == 0 || strings.EqualFold(filepath.Ext(file), ".json") {
		return false
	}
	f, err := os.Open(file) //nolint:gosec // the owner's own file
	if err != nil {
		return false
	}
	defer f.Close()
	last := make([]byte, 1)
	if _, err := f.ReadAt(last, size-1); err != nil {
		return false
	}
	return last[0] != '\n' && last[0] != '\r'
}

// same reports whether nobody wrote a file between two looks.
func same(a, b fs.FileInfo) bool {
	return a != nil && b != nil && a.Size() == b.Size() && a.ModTime().Equal(b.ModTime()) && os.SameFile(a, b)
}

// broken tells of a catalogue that can't be sold, once for each fault.
func (c *Checkout) broken(h *Handler, err error) {
	text := err.Error()
	if last := c.conf.stock.wrong.Swap(&text); last != nil && *last == text {
		return
	}
	h.app.Observe(engine.Event{
		Name: engine.EventCatalogue, Alert: true,
		Err: fmt.Errorf("checkout %s: %w; %s", c.Path, err, c.meanwhile()),
	})
}

// meanwhile says what becomes of buyers until the file is mended.
func (c *Checkout) meanwhile() string {
	if c.conf.stock.now.Load().unread {
		return "nothing from it is sold until it is mended"
	}
	return "what was read before is sold on"
}

// staleCatalogues finds catalogues whose file can't be sold as it is now.
func staleCatalogues(handlers []*Handler) (out []Finding) {
	for _, h := range handlers {
		for _, c := range h.Checkout {
			if c.conf.stock == nil {
				continue
			}
			if text := c.conf.stock.wrong.Load(); text != nil {
				out = append(out, Finding{Code: "catalogue", Where: h.place().shopName(), Text: "checkout " + c.Path + ": " + *text + "; " + c.meanwhile()})
			}
		}
	}
	return out
}
