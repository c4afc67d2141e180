package limit

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits for strangers, which are returns without an intent, a valid signature or a
// record. Returns with proof never come here.
const (
	// refusals is how many refused verifications a client may cause in
	// refusalSpan before it queues.
	refusals    = 10
	refusalSpan = 10 * time.Minute
	// strangerRate and strangerBurst bound the provider calls that all
	// strangers together cause.
	strangerRate  = 10
	strangerBurst = 20
	// queueAll and queueClient bound how many strangers' returns wait in all and for
	// one client. Turn is how much later each further return of a client is due.
	queueAll    = 2_000
	queueClient = 32
	Turn        = 10 * time.Second
	// pressRate and pressBurst are how many payments a client may start a minute, and
	// in one burst.
	pressRate  = 20
	pressBurst = 10
	pressSpan  = 10 * time.Minute
	// visitRate and visitBurst are how many visits of a client are stored a minute, and
	// in one burst. They are generous, because thousands of people share one address.
	visitRate  = 60
	visitBurst = 120
	// lookupRate and lookupBurst are how many receipts a client may look for a minute, and
	// in one burst; lookupsNumber and lookupsMobile how often one number and one mobile
	// may be tried in lookupSpan, by all together.
	lookupRate    = 6
	lookupBurst   = 12
	lookupsNumber = 10
	lookupsMobile = 30
	lookupSpan    = time.Hour
	// wrongIDs is how many different refused ids one signed order may bring in
	// wrongSpan.
	wrongIDs  = 10
	wrongSpan = time.Hour
	// tracesClient and tracesSpan bound the traces that one client leaves,
	// tracesAll and tracesAllSpan those that all leave together. Beyond that
	// refusals are only counted.
	tracesClient  = 5
	tracesSpan    = 10 * time.Minute
	tracesAll     = 200
	tracesAllSpan = time.Hour
)

// Strangers counts what strangers cause, and paces them.
type Strangers struct {
	mu                                sync.Mutex
	clients, orders                   counters
	traces, tracesOf, presses, visits counters
	lookers, lookups                  counters
	// line are the strangers' returns that wait on record for their turn, held those
	// whose turn has come and whose shop has not said what they should have paid.
	line, held room
	// seen are the returns that only an observe route saw, and that nobody has asked
	// about yet, by account.
	seen map[string]*lineup
	pace *rate.Limiter
}

// NewStrangers returns fresh limits.
func NewStrangers() *Strangers {
	return &Strangers{
		clients: newCounters(refusalSpan), orders: newCounters(wrongSpan),
		traces: newCounters(tracesAllSpan), tracesOf: newCounters(tracesSpan), presses: newCounters(pressSpan), visits: newCounters(pressSpan),
		lookers: newCounters(lookupSpan), lookups: newCounters(lookupSpan),
		line: newRoom(), held: newRoom(), seen: make(map[string]*lineup),
		pace: rate.NewLimiter(strangerRate, strangerBurst),
	}
}

// Enter lets a stranger through at the common pace while nobody waits. A client that
// caused many refusals is not let through: it has to queue.
func (l *Strangers) Enter(client string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.clients.at(client, now).n < refusals && len(l.line.of) == 0 && l.pace.AllowN(now, 1)
}

// Queue takes a place for a return and says how long it waits at least. The more
// returns a client has in the queue, the later its next one is due, so one client's
// crowd delays nobody else. All addresses of an IPv6 /48 count as one client, because
// a /48 has 65,536 /64s.
func (l *Strangers) Queue(ref string, client string, now time.Time) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, in := l.line.of[ref]; in {
		return 0, true
	}
	key := neighbourhood(client)
	if !l.line.free(key) {
		return 0, false
	}
	wait = time.Duration(l.line.by[key]) * Turn
	if l.clients.at(client, now).n >= refusals {
		wait += Turn
	}
	l.line.enter(ref, key)
	return wait, true
}

// Leave frees the place of a return that waited, if it has one.
func (l *Strangers) Leave(ref string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.line.leave(ref)
	l.held.leave(ref)
	for _, line := range l.seen {
		line.leave(ref)
		delete(line.given, ref)
	}
}

// neighbourhood returns the /48 of an IPv6 client, and any other client unchanged.
func neighbourhood(client string) string {
	a, _, _ := strings.Cut(client, "/")
	addr, err := netip.ParseAddr(a)
	if err != nil || !addr.Is6() || addr.Is4In6() {
		return client
	}
	p, err := addr.Prefix(48)
	if err != nil {
		return client
	}
	return p.String()
}

// Refused counts a refused verification against its client.
func (l *Strangers) Refused(client string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clients.at(client, now).n++
}

// WrongID counts a refused id against a signed order.
func (l *Strangers) WrongID(order string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.orders.at(order, now).n++
}

// MayBring reports whether a signed order may bring another id.
func (l *Strangers) MayBring(order string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.orders.at(order, now).n < wrongIDs
}

// MayLeaveTrace counts a refusal and reports whether its trace may be kept.
func (l *Strangers) MayLeaveTrace(client string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if client != "" {
		mine := l.tracesOf.at(client, now)
		if mine.n++; mine.n > tracesClient {
			return false
		}
	}
	all := l.traces.at("", now)
	all.n++
	return all.n <= tracesAll
}

// Press counts a press of Pay. It returns how long the client has to wait, or 0 and how
// many payments it has started in the last minutes.
func (l *Strangers) Press(client string, now time.Time) (wait time.Duration, before int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.presses.at(neighbourhood(client), now)
	if wait = c.spend(now, pressRate, pressBurst); wait > 0 {
		return wait, c.n
	}
	c.n++
	return 0, c.n - 1
}

// Visit counts a visit and reports whether it may be stored.
func (l *Strangers) Visit(client string, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.visits.at(client, now).spend(now, visitRate, visitBurst) == 0
}

// Lookup counts a look for a receipt, and returns how long its client has to wait. It is
// counted whether there is such a receipt or not, so that the answer tells nothing.
func (l *Strangers) Lookup(client, number, mobile string, now time.Time) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if wait := l.lookers.at(neighbourhood(client), now).spend(now, lookupRate, lookupBurst); wait > 0 {
		return wait
	}
	for _, k := range []struct {
		key  string
		most int
	}{{"number " + number, lookupsNumber}, {"mobile " + mobile, lookupsMobile}} {
		c := l.lookups.at(k.key, now)
		if c.n++; c.n > k.most {
			wait = max(wait, c.since.Add(lookupSpan).Sub(now), time.Second)
		}
	}
	return wait
}

// Pace reports whether the common pace of all strangers allows one more call now, and
// counts it.
func (l *Strangers) Pace(now time.Time) bool { return l.pace.AllowN(now, 1) }
