// Package memory is a ledger in memory, for tests and for the simulator, which needs a
// store without goroutines or a disk. It passes the same suite as the others. It is no
// storage module, because it forgets everything when its process ends.
package memory

import (
	"cmp"
	"container/list"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// Store is a payment.Store in memory. Its clock may be replaced.
type Store struct {
	// Clock is Now; nil is the machine's.
	Clock func() time.Time

	mu      sync.Mutex
	records map[payment.Ref]*payment.Record
	order   []payment.Ref // by creation
	keys    map[payment.Key]payment.Ref
	money   map[payment.Ref]bool // money was, or may have been, behind it once
	tracks  map[string]kept
	queue   *list.List // of visitors, by when their tracks were put
	secrets map[string][]byte
	gen     payment.Generation
	owner   int
	most    int
	closed  bool
	down    error
	// Synced counts the durable commits, Lazy the others.
	Synced, Lazy int
}

type kept struct {
	track   payment.Track
	expires time.Time
	place   *list.Element
}

// New returns an empty ledger of generation 1, begun now.
func New(clock func() time.Time) *Store {
	s := &Store{
		Clock: clock, records: make(map[payment.Ref]*payment.Record), keys: make(map[payment.Key]payment.Ref),
		money: make(map[payment.Ref]bool), tracks: make(map[string]kept), queue: list.New(), secrets: make(map[string][]byte), owner: 1,
	}
	s.gen = payment.Generation{Seq: 1, Start: s.Now(), ID: "memory-" + rand.Text()}
	return s
}

// Cap bounds the number of tracks: the oldest go.
func (s *Store) Cap(tracks int) { s.most = tracks }

func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return payment.ErrClosed
	}
	return ctx.Err()
}

// Get implements payment.Store.
func (s *Store) Get(ctx context.Context, ref payment.Ref) (*payment.Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	r, ok := s.records[ref]
	if !ok {
		return nil, payment.ErrNotFound
	}
	return r.Clone(), nil
}

// Holder implements payment.Store.
func (s *Store) Holder(ctx context.Context, k payment.Key) (payment.Ref, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return "", err
	}
	ref, ok := s.keys[k]
	if !ok {
		return "", payment.ErrNotFound
	}
	return ref, nil
}

// Commit implements payment.Store.
func (s *Store) Commit(ctx context.Context, c payment.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if c.Record == nil {
		return payment.ErrRef
	}
	if s.down != nil && (s.down != payment.ErrFull || c.Record.Version == 0) { //nolint:errorlint // wrapped means more
		return s.down
	}
	if _, err := payment.ParseRef(string(c.Record.Ref)); err != nil {
		return err
	}
	old := s.records[c.Record.Ref]
	if old == nil && c.Record.Version != 0 || old != nil && old.Version != c.Record.Version {
		return payment.ErrConflict
	}
	for _, k := range c.Take {
		if holder, ok := s.keys[k]; ok && holder != c.Record.Ref {
			return &payment.TakenError{Key: k, Holder: holder}
		}
	}
	for _, k := range c.Take {
		s.keys[k] = c.Record.Ref
	}
	c.Record.Version++
	s.records[c.Record.Ref] = copyOf(c.Record)
	if old == nil {
		s.order = append(s.order, c.Record.Ref)
	}
	if r := c.Record; r.State.Captured() || r.State == payment.Review || r.State == payment.Reversed || r.Receipt != nil {
		s.money[r.Ref] = true
	}
	if c.Lazy {
		s.Lazy++
	} else {
		s.Synced++
	}
	return nil
}

// copyOf returns a clone with all its times in UTC, as a store on disk gives them
// back.
func copyOf(r *payment.Record) *payment.Record {
	c := r.Clone()
	utc(reflect.ValueOf(c))
	return c
}

func utc(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			utc(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			utc(v.Index(i))
		}
	case reflect.Struct:
		if t, ok := v.Interface().(time.Time); ok {
			v.Set(reflect.ValueOf(t.UTC()))
			return
		}
		for i := range v.NumField() {
			utc(v.Field(i))
		}
	}
}

// Forget implements payment.Store.
func (s *Store) Forget(ctx context.Context, ref payment.Ref, version uint64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	r, ok := s.records[ref]
	if !ok || r.Version != version || r.State != payment.Declined && r.State != payment.Expired || s.money[ref] {
		return payment.ErrConflict
	}
	for k, holder := range s.keys {
		if holder == ref && k.Kind != payment.KeyIntent {
			return payment.ErrConflict
		}
	}
	for k, holder := range s.keys {
		if holder == ref {
			delete(s.keys, k)
		}
	}
	delete(s.records, ref)
	s.order = slices.DeleteFunc(s.order, func(x payment.Ref) bool { return x == ref })
	return nil
}

// Due implements payment.Store.
func (s *Store) Due(ctx context.Context, t time.Time, limit int) ([]payment.Ref, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	type when struct {
		at  time.Time
		ref payment.Ref
	}
	var due []when
	for _, r := range s.records {
		if at := r.Earliest(); !at.IsZero() && !at.After(t) {
			due = append(due, when{at, r.Ref})
		}
	}
	slices.SortFunc(due, func(a, b when) int { return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.ref, b.ref)) })
	refs := make([]payment.Ref, 0, len(due))
	for _, d := range due[:min(limit, len(due))] {
		refs = append(refs, d.ref)
	}
	return refs, nil
}

// List implements payment.Store.
func (s *Store) List(ctx context.Context, q payment.Listing) (payment.Page, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return payment.Page{}, err
	}
	if q.Cursor != "" && !isCursor(q.Cursor) {
		return payment.Page{}, errCursor
	}
	limit := min(max(q.Limit, 0), 1000)
	if limit == 0 {
		limit = 100
	}
	all := make([]*payment.Record, 0, len(s.records))
	for _, ref := range s.order {
		all = append(all, s.records[ref])
	}
	slices.SortFunc(all, func(a, b *payment.Record) int {
		return cmp.Or(cmp.Compare(b.CreatedAt.UnixNano(), a.CreatedAt.UnixNano()), cmp.Compare(b.Ref, a.Ref))
	})
	var page payment.Page
	for _, r := range all {
		if q.Cursor != "" && cursor(r) >= q.Cursor || !q.Selects(r) {
			continue
		}
		if len(page.Records) == limit {
			page.Next = cursor(page.Records[limit-1])
			break
		}
		page.Records = append(page.Records, r.Clone())
	}
	return page, nil
}

// cursor says where a record stands in a listing: by creation; equal times by name.
func cursor(r *payment.Record) string {
	return fmt.Sprintf("%020d%s", r.CreatedAt.UnixNano(), r.Ref)
}

var errCursor = errors.New("not a cursor of a listing")

func isCursor(s string) bool {
	if len(s) != 20+payment.RefLen {
		return false
	}
	_, err := payment.ParseRef(s[20:])
	return err == nil
}

// Reserve implements payment.Store.
func (s *Store) Reserve(ctx context.Context, keys []payment.Key) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return 0, err
	}
	n := 0
	for _, k := range keys {
		if _, ok := s.keys[k]; !ok {
			s.keys[k] = ""
			n++
		}
	}
	return n, nil
}

// PutTrack implements payment.Store.
func (s *Store) PutTrack(ctx context.Context, visitor string, t payment.Track, expires time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	if old, known := s.tracks[visitor]; known {
		s.queue.Remove(old.place)
	}
	s.tracks[visitor] = kept{t, expires, s.queue.PushBack(visitor)}
	for s.most > 0 && len(s.tracks) > s.most {
		oldest := s.queue.Front()
		delete(s.tracks, s.queue.Remove(oldest).(string)) //nolint:forcetypeassert // only visitors are in it
	}
	return nil
}

// Track implements payment.Store.
func (s *Store) Track(ctx context.Context, visitor string) (payment.Track, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return payment.Track{}, err
	}
	k, ok := s.tracks[visitor]
	if !ok || !s.Now().Before(k.expires) {
		return payment.Track{}, payment.ErrNotFound
	}
	return k.track, nil
}

// Secret implements payment.Store.
func (s *Store) Secret(ctx context.Context, name string, mint func() ([]byte, error)) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return nil, err
	}
	if b, ok := s.secrets[name]; ok {
		return slices.Clone(b), nil
	}
	b, err := mint()
	if err != nil {
		return nil, err
	}
	s.secrets[name] = slices.Clone(b)
	return b, nil
}

// Generation implements payment.Store.
func (s *Store) Generation(ctx context.Context) (payment.Generation, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gen, s.usable(ctx)
}

// Now implements payment.Store.
func (s *Store) Now() time.Time {
	if s.Clock != nil {
		return s.Clock().UTC()
	}
	return time.Now().UTC()
}

// Alive implements payment.Store.
func (s *Store) Alive(l payment.Lease) bool { return l.Owner == s.Owner() && s.Now().Before(l.Until) }

// Owner implements payment.Store.
func (s *Store) Owner() string { return "memory-" + strconv.Itoa(s.owner) }

// Ready implements payment.Store.
func (s *Store) Ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return payment.ErrClosed
	}
	return s.down
}

// Interface guard.
var _ payment.Store = (*Store)(nil)
