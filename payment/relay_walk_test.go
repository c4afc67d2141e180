package payment

import (
	"fmt"
	"maps"
	"testing"
	"time"
)

// The walk tries everything that can happen to one relayed payment which the
// provider has just settled: two returns, one with up to two asks, and a job of
// the shop's that asks by itself; answers that arrive whole, break off, or are cut
// off by a crash of the node that wrote them; a crash of the node that waits for the
// page; a plugin that dies before or after it credits, and one that shows "failed"
// with a redirect like any other; a worker that cleans up. The plugin has no memory
// of its own: it credits whenever it hears "first".

// asker is one PHP process, or the job.
type asker struct {
	page   bool // it answers a customer's return
	step   int
	asks   int // left
	epoch  uint64
	opened bool
	at     time.Time
	heard  bool // it has the whole "first"
	dead   bool // it died after hearing
	blind  bool // its page's node crashed
	name   string
	came   time.Time // its ask
}

// asker: two calls of one PHP process have one name, and a job's may have it, too.
func (a *asker) asker(now time.Time) Asker {
	if a.came.IsZero() {
		a.came = now
	}
	return Asker{Name: a.name, Came: a.came}
}

const (
	arriving = iota
	ready
	telling
	written // the last byte went out, its record didn't yet
	broken  // it ended before, its record didn't yet
	deciding
	answering
	gone
)

type relayWorld struct {
	rec     Record
	relay   Relayed
	who     [3]asker
	credits int
	crashes int
	dead    bool // the node that told is gone
	now     int64
}

func (w *relayWorld) record() *Record {
	r := w.rec
	l := w.relay
	r.Relay = &l
	return &r
}

func (w *relayWorld) put(r *Record) { w.relay = *r.Relay; w.rec = *r; w.rec.Relay = nil; w.now++ }
func (w *relayWorld) time() time.Time {
	return time.Unix(1_700_000_000+w.now, 0)
}

// relayKey is all that the future depends on; moments count only as equal, before or not.
type relayKey struct {
	state                                  State
	reason                                 Reason
	heard, open, mixed, within, page, dead bool
	epoch                                  uint64
	said                                   ShopPage
	again, told                            string
	credits, crashes                       int
	who                                    [3]askerKey
}

type askerKey struct {
	step, asks                                                      int
	page, opened, mine, telling, heard, dead, blind, asking, before bool
}

func (w *relayWorld) key() relayKey {
	l := w.relay
	k := relayKey{
		state: w.rec.State, reason: w.rec.Reason, heard: l.Heard(), open: l.Open(), mixed: l.Mixed,
		within: l.Told.Asker.within(l.PageAt), page: l.PageAt.IsZero(), dead: w.dead, epoch: l.Told.Epoch,
		said: l.Page, again: l.AgainBy, told: l.Told.Asker.Name, credits: w.credits, crashes: w.crashes,
	}
	for i, a := range w.who {
		k.who[i] = askerKey{
			a.step, a.asks, a.page, a.opened, a.opened && a.at.Equal(l.PageAt), a.epoch == l.Told.Epoch,
			a.heard, a.dead, a.blind, !a.came.IsZero(), a.came.Before(l.PageAt),
		}
	}
	return k
}

type relayStep struct {
	name string
	do   func(w *relayWorld)
}

// steps are all that can happen next to one asker.
func (w *relayWorld) steps(i int) (out []relayStep) {
	a := w.who[i]
	add := func(name string, do func(w *relayWorld, a *asker)) {
		out = append(out, relayStep{fmt.Sprintf("%d %s", i, name), func(w *relayWorld) { do(w, &w.who[i]) }})
	}
	commit := func(w *relayWorld, f func(*Record) error) {
		r := w.record()
		if err := f(r); err == nil {
			w.put(r)
		}
	}
	switch a.step {
	case arriving:
		add("comes", func(w *relayWorld, a *asker) {
			a.step = ready
			if !a.page {
				return
			}
			r := w.record()
			at := w.time()
			switch {
			case r.OpenPage("A", at):
				a.opened, a.at = true, at
				w.put(r)
			case r.Overlap():
				w.put(r)
			}
		})
	case ready:
		r := w.record()
		switch {
		case a.asks == 0:
			add("asks no more", func(_ *relayWorld, a *asker) { a.step = answering })
		case a.came.IsZero():
			add("asks", func(w *relayWorld, a *asker) { a.came = w.time(); w.now++ })
		case r.Tellable():
			add("is told", func(w *relayWorld, a *asker) {
				a.asks--
				commit(w, func(r *Record) error { return r.Tell(a.asker(w.time()), w.time(), Lease{Owner: "B", Until: w.time()}) })
				a.step, a.epoch = telling, w.relay.Told.Epoch
			})
		default:
			// Heard, or being told to another for longer than an ask waits.
			add("hears again", func(w *relayWorld, a *asker) {
				a.asks--
				r := w.record()
				if r.SaidAgain(a.asker(w.time())) {
					w.put(r)
				}
				a.step, a.came = answering, time.Time{}
			})
		}
		if a.asks > 0 {
			add("does not ask", func(_ *relayWorld, a *asker) { a.step = answering })
		}
	case telling:
		add("takes it", func(_ *relayWorld, a *asker) { a.step, a.heard = written, true })
		add("is gone", func(_ *relayWorld, a *asker) { a.step, a.came = broken, time.Time{} })
		if w.crashes > 0 {
			add("node dies telling", func(w *relayWorld, a *asker) { w.crashes--; w.dead, a.step, a.came = true, ready, time.Time{} })
		}
	case written:
		add("heard is recorded", func(w *relayWorld, a *asker) {
			commit(w, func(r *Record) error { return r.Hear(a.epoch, w.time(), w.time()) })
			a.step = deciding
		})
		// PHP is quicker than the record: it credits and answers before.
		add("credits at once", func(w *relayWorld, a *asker) { w.credits++; a.step = deciding + 100 })
		if w.crashes > 0 {
			add("node dies after the last byte", func(w *relayWorld, a *asker) { w.crashes--; w.dead, a.step = true, deciding })
		}
	case deciding + 100:
		add("heard is recorded late", func(w *relayWorld, a *asker) {
			commit(w, func(r *Record) error { return r.Hear(a.epoch, w.time(), w.time()) })
			a.step = answering
		})
		if a.opened {
			add("page ends before that", func(w *relayWorld, a *asker) {
				commit(w, func(r *Record) error { return r.EndPage(a.at, PageGood, w.time()) })
				a.step = deciding + 200
			})
		}
		if w.crashes > 0 {
			add("node dies before that", func(w *relayWorld, a *asker) { w.crashes--; w.dead, a.step = true, answering })
		}
	case deciding + 200:
		add("heard is recorded after the page", func(w *relayWorld, a *asker) {
			commit(w, func(r *Record) error { return r.Hear(a.epoch, w.time(), w.time()) })
			a.step = gone
		})
		if w.crashes > 0 {
			add("node dies after the page", func(w *relayWorld, a *asker) { w.crashes--; w.dead, a.step = true, gone })
		}
	case broken:
		add("unheard is recorded", func(w *relayWorld, a *asker) {
			commit(w, func(r *Record) error { return r.Unhear(a.epoch, w.time(), w.time()) })
			a.step = ready
		})
		if w.crashes > 0 {
			add("node dies not heard", func(w *relayWorld, a *asker) { w.crashes--; w.dead, a.step = true, ready })
		}
	case deciding:
		add("credits", func(w *relayWorld, a *asker) { w.credits++; a.step = answering })
		if a.page {
			add("credits and dies", func(w *relayWorld, a *asker) { w.credits++; a.step, a.dead = answering, true })
			add("dies", func(_ *relayWorld, a *asker) { a.step, a.dead = answering, true })
		}
	case answering:
		if a.heard && !a.dead && a.asks > 0 {
			add("asks once more", func(_ *relayWorld, a *asker) { a.step, a.came = ready, time.Time{} })
		}
		said := []ShopPage{PageGood}
		switch {
		case a.dead:
			said = []ShopPage{PageBad}
		case !a.heard:
			said = []ShopPage{PageGood, PageRefused} // "failed", by a redirect that looks like any other or not
		}
		for _, page := range said {
			add("answers "+string(page), func(w *relayWorld, a *asker) {
				if a.opened {
					commit(w, func(r *Record) error { return r.EndPage(a.at, page, w.time()) })
				}
				a.step = gone
			})
		}
		if a.opened && w.crashes > 0 {
			add("page's node dies", func(w *relayWorld, a *asker) { w.crashes--; a.step, a.blind = gone, true })
		}
	}
	return out
}

// worker is what the worker can do.
func (w *relayWorld) worker() (out []relayStep) {
	if w.dead && w.relay.Open() {
		out = append(out, relayStep{"worker: cut off", func(w *relayWorld) {
			r := w.record()
			if err := r.CutOff(w.time()); err == nil {
				w.put(r)
			}
			w.dead = false
		}})
	}
	for _, a := range w.who {
		if a.blind && w.relay.Page == PageOpen && a.at.Equal(w.relay.PageAt) {
			out = append(out, relayStep{"worker: page lost", func(w *relayWorld) {
				r := w.record()
				if err := r.LosePage(w.time()); err == nil {
					w.put(r)
				}
			}})
		}
	}
	return out
}

// wrong is what must never be.
func (w *relayWorld) wrong(end bool) string {
	switch {
	case w.credits > 1:
		return "credited twice"
	case w.rec.State == Delivered && !w.relay.Heard():
		return "delivered, and nobody has heard"
	}
	if !end {
		return ""
	}
	if w.rec.State == Delivered && w.credits == 0 {
		return "delivered, and not credited"
	}
	if w.rec.State == Delivering {
		return "left in the middle"
	}
	if w.credits == 1 && w.rec.State == Verified {
		return "credited, and somebody will be told again"
	}
	return ""
}

func TestRelayWalk(t *testing.T) {
	for _, job := range []string{"a job of another program", "a job like the page"} {
		t.Run(job, func(t *testing.T) {
			page := "shop"
			if job == "a job like the page" {
				walkRelay(t, page, page)
			} else {
				walkRelay(t, page, "job")
			}
		})
	}
}

func walkRelay(t *testing.T, page, job string) {
	t.Helper()
	start := relayWorld{
		rec: Record{State: Verified, Receipt: &Receipt{}}, crashes: 1,
		who: [3]asker{{page: true, asks: 2, name: page}, {page: true, asks: 1, name: page}, {asks: 1, name: job}},
	}
	seen, ends := map[relayKey]bool{}, map[State]int{}
	type stacked struct {
		w    relayWorld
		name string
		from *stacked
	}
	stack := []*stacked{{w: start}}
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if k := at.w.key(); seen[k] {
			continue
		} else {
			seen[k] = true
		}
		next := at.w.worker()
		for i := range at.w.who {
			next = append(next, at.w.steps(i)...)
		}
		if why := at.w.wrong(len(next) == 0); why != "" {
			path := ""
			for s := at; s != nil; s = s.from {
				path = "\n  " + s.name + path
			}
			t.Fatalf("%s (%s, %s) by:%s", why, at.w.rec.State, at.w.rec.Reason, path)
		}
		if len(next) == 0 {
			ends[at.w.rec.State]++
		}
		for _, s := range next {
			w := at.w
			s.do(&w)
			stack = append(stack, &stacked{w, s.name, at})
		}
	}
	t.Logf("%d states; ends: %v", len(seen), maps.Collect(maps.All(ends)))
	if ends[Delivered] == 0 || ends[Parked] == 0 || ends[Verified] == 0 {
		t.Errorf("the walk did not come everywhere: %v", ends)
	}
}

// A plugin that asks twice within one page, or eight times at once, has credited by the "first",
// and its page shows it. Where somebody else may have heard one of the two, a page proves
// nothing.
func TestRelayAsksTwiceInOnePage(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	from := func(name string, d time.Duration) Asker { return Asker{Name: name, Came: now.Add(d)} }
	for name, c := range map[string]struct {
		first     Asker
		again     []Asker
		overlap   bool
		said      ShopPage
		delivered bool
	}{
		"twice":                        {from("p", 1), []Asker{from("p", 2)}, false, PageGood, true},
		"at the moment of the return":  {from("p", 0), []Asker{from("p", 0)}, false, PageGood, true},
		"eight at once":                {from("p", 1), []Asker{from("p", 1), from("p", 1), from("p", 1), from("p", 1), from("p", 1), from("p", 1), from("p", 1)}, false, PageGood, true},
		"it refuses":                   {from("p", 1), []Asker{from("p", 2)}, false, PageRefused, false},
		"it dies":                      {from("p", 1), []Asker{from("p", 2)}, false, PageBad, false},
		"a job heard first":            {from("j", 1), []Asker{from("p", 2)}, false, PageGood, false},
		"a job heard again":            {from("p", 1), []Asker{from("j", 2)}, false, PageGood, false},
		"both heard again":             {from("p", 1), []Asker{from("p", 2), from("j", 3)}, false, PageGood, false},
		"first asked before the page":  {from("p", -1), []Asker{from("p", 2)}, false, PageGood, false},
		"second asked before the page": {from("p", 1), []Asker{from("p", -1)}, false, PageGood, false},
		"another return beside it":     {from("p", 1), []Asker{from("p", 2)}, true, PageGood, false},
		"nobody knows who":             {Asker{Came: now}, []Asker{{Came: now}}, false, PageGood, false},
		"nobody knows who heard first": {Asker{}, []Asker{from("p", 1)}, false, PageGood, false},
	} {
		for _, order := range []string{"again after", "again while it is told", "again before the page ends"} {
			r := &Record{State: Verified, Receipt: &Receipt{}, Relay: &Relayed{}}
			if !r.OpenPage("A", now) {
				t.Fatal("no page")
			}
			hear := func() {
				if err := r.Hear(r.Relay.Told.Epoch, now, now); err != nil {
					t.Fatal(err)
				}
			}
			if err := r.Tell(c.first, now, Lease{Owner: "B"}); err != nil {
				t.Fatal(err)
			}
			if order == "again after" {
				hear()
			}
			for _, a := range c.again {
				r.SaidAgain(a)
			}
			if c.overlap {
				r.Overlap()
			}
			if order == "again while it is told" {
				hear()
			}
			if err := r.EndPage(now, c.said, now); err != nil {
				t.Fatal(err)
			}
			if order == "again before the page ends" {
				hear()
			}
			want, why := Parked, ReasonHeardNoAck
			if c.delivered {
				want, why = Delivered, ""
			}
			if r.State != want || r.Reason != why || r.Relay.AgainBy != "" {
				t.Errorf("%s, %s: %s (%s)", name, order, r.State, r.Reason)
			}
		}
	}
}

// TestRelayTellOnce: one telling at a time, and none after one that was heard.
func TestRelayTellOnce(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	fresh := func(s State) *Record {
		return &Record{State: s, Receipt: &Receipt{}, Relay: &Relayed{Kept: []byte("x"), KeptAt: now}}
	}
	for _, s := range States() {
		r := fresh(s)
		want := s == Verified || s == Parked || s == Review || s == Delivering
		if got := r.Tell(Asker{}, now, Lease{Owner: "a"}) == nil; got != want {
			t.Errorf("%s: told %v", s, got)
		}
		if !want {
			continue
		}
		if r.Tell(Asker{}, now, Lease{Owner: "b"}) == nil {
			t.Errorf("%s: told twice at once", s)
		}
		if r.Hear(r.Relay.Told.Epoch+1, now, now) == nil || r.Unhear(r.Relay.Told.Epoch-1, now, now) == nil {
			t.Errorf("%s: another epoch ended the telling", s)
		}
		if err := r.Unhear(r.Relay.Told.Epoch, now, now); err != nil || !r.Tellable() || len(r.Relay.Kept) == 0 {
			t.Errorf("%s: not tellable after it was not heard: %v", s, err)
		}
		if r.Tell(Asker{}, now, Lease{Owner: "b"}) != nil || r.Hear(r.Relay.Told.Epoch, now, now) != nil || r.Tellable() || r.Relay.Kept != nil {
			t.Errorf("%s: heard is not for ever", s)
		}
	}
	for name, change := range map[string]func(*Record){
		"gives back":          func(r *Record) { r.Relay.GivingBack = now },
		"cut off before":      func(r *Record) { r.State, r.Reason = Parked, ReasonTold },
		"verified elsewhere":  func(r *Record) { r.State, r.Receipt.Again = Review, true },
		"nothing was settled": func(r *Record) { r.State, r.Receipt = Review, nil },
		"used before":         func(r *Record) { r.State, r.Reason = Review, ReasonReceiptUsed },
		"not relayed":         func(r *Record) { r.Relay = nil },
	} {
		r := fresh(Verified)
		if change(r); r.Tellable() {
			t.Errorf("%s: tellable", name)
		}
	}
	r := fresh(Parked)
	r.Reason, r.Relay.Told, r.Relay.HeardAt = ReasonHeardNoAck, Telling{Epoch: 3, At: now}, now
	if r.Tellable() || r.Untell(now) != nil || !r.Tellable() {
		t.Error("a person can't let it be told again")
	}
}

func TestRelaySameAmount(t *testing.T) {
	for _, c := range []struct {
		have Relayed
		ask  RelayAsk
		want bool
	}{
		{Relayed{Number: 1000, Unit: Toman}, RelayAsk{Number: 1000}, true},
		{Relayed{Number: 1000, Unit: Toman}, RelayAsk{Number: 999}, false},
		{Relayed{Number: 1000, Unit: Toman}, RelayAsk{Number: 1001}, false},
		{Relayed{Number: 1000, Unit: Toman}, RelayAsk{Number: 10000}, false},
		{Relayed{Number: 1000, Unit: Toman}, RelayAsk{Number: 10000, Unit: Rial}, true},
		{Relayed{Number: 1000, Unit: Toman}, RelayAsk{Unread: true}, true},
		{Relayed{Number: 1000, Unit: Toman}, RelayAsk{}, true},
		{Relayed{Number: 1000, Unit: Toman}, RelayAsk{Number: -1}, false},
		{Relayed{}, RelayAsk{Number: -1}, false},
		{Relayed{}, RelayAsk{Number: 5}, true},
		{Relayed{Number: 1 << 60, Unit: Toman}, RelayAsk{Number: 1 << 60, Unit: Rial}, false},
	} {
		if got := c.have.SameAmount(c.ask); got != c.want {
			t.Errorf("%+v with %+v: %v", c.have, c.ask, got)
		}
	}
	if !(*Relayed)(nil).SameAmount(RelayAsk{Number: 1}) {
		t.Error("nothing to compare with")
	}
}

// A payment that a verify route has settled is told to whoever asks for its amount, in the
// unit that the call says or may mean.
func TestAskedAmount(t *testing.T) {
	for _, c := range []struct {
		price, found, paid Rials
		ask                RelayAsk
		want               bool
	}{
		{50_000, 50_000, 50_000, RelayAsk{Number: 50_000, Unit: Rial}, true},
		{50_000, 0, 0, RelayAsk{Number: 50_000, Unit: Rial}, true},
		{50_000, 0, 0, RelayAsk{Number: 49_999, Unit: Rial}, false},
		{50_000, 0, 0, RelayAsk{Number: 50_001, Unit: Rial}, false},
		{50_000, 0, 0, RelayAsk{Number: 5_000, Unit: Rial}, false},
		{50_000, 0, 0, RelayAsk{Number: 5_000, Unit: Toman}, true},
		{50_000, 0, 0, RelayAsk{Number: 50_000, Unit: Toman}, false},
		{50_000, 0, 0, RelayAsk{Number: 5_000}, true},
		{50_000, 0, 0, RelayAsk{Number: 50_000}, true},
		{50_000, 0, 0, RelayAsk{Number: 500_000}, false},
		{50_000, 0, 0, RelayAsk{Number: 1}, false},
		{50_000, 0, 0, RelayAsk{Number: -1}, false},
		{50_000, 0, 0, RelayAsk{}, true},
		{50_000, 0, 0, RelayAsk{Unread: true}, true},
		{50_000, 0, 0, RelayAsk{Number: 1, Unread: true}, true},
		{50_000, 40_000, 40_000, RelayAsk{Number: 40_000, Unit: Rial}, true}, // accepted for less
		{50_000, 50_000, 50_500, RelayAsk{Number: 50_500, Unit: Rial}, true},
		{0, 0, 0, RelayAsk{Number: 7}, true},
		{0, 0, 0, RelayAsk{Number: -1}, false},
		{50_000, 0, 0, RelayAsk{Number: 1 << 62, Unit: Toman}, false},
	} {
		r := &Record{Expect: Expectation{Amount: c.price, Source: FromIntent}, Receipt: &Receipt{Amount: c.found, Paid: c.paid}}
		if got := r.AskedAmount(c.ask); got != c.want {
			t.Errorf("%d, %d, %d with %+v: %v", c.price, c.found, c.paid, c.ask, got)
		}
		if r.Receipt = nil; r.AskedAmount(c.ask) != (c.ask.Number >= 0) {
			t.Errorf("not settled, %+v: its gateway compares", c.ask)
		}
		r.Receipt, r.Relay = new(Receipt), &Relayed{Number: 777, Unit: Rial}
		if got, want := r.AskedAmount(c.ask), r.Relay.SameAmount(c.ask); got != want {
			t.Errorf("with a create %+v: %v", c.ask, got)
		}
	}
}
