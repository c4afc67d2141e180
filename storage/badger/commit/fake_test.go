package commit

import (
	"errors"
	"maps"
	"sync"
	"testing"
	"time"
)

var (
	errTestClosed  = errors.New("test: closed")
	errTestBroken  = errors.New("test: broken")
	errTestDamaged = errors.New("test: damaged")
	errTestUnknown = errors.New("test: unknown")
)

// entry is what a fake holds of a key, and which version wrote it.
type entry struct {
	value   string
	version uint64
}

// fake is a store that is a map.
type fake struct {
	// record and commit are called before a batch is recorded and committed, and may
	// fail, wait or panic.
	record, commit func(version uint64, batch []*Change) error

	mu      sync.Mutex
	durable map[string]entry
	last    uint64
	wrong   []string // what the queue did that it must not do
}

const testChanges, testEntries, testSize = 256, 600, 64 << 10

func (f *fake) queue(change ...func(*Config)) *Queue {
	f.durable = map[string]entry{}
	c := Config{
		Begin: f.begin,
		Record: func(version uint64, batch []*Change) error {
			f.look(version, batch)
			if f.record != nil {
				return f.record(version, batch)
			}
			return nil
		},
		Commit: func(version uint64, t Tx, batch []*Change) error {
			if f.commit != nil {
				if err := f.commit(version, batch); err != nil {
					return err
				}
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			for k, v := range t.(*fakeTx).wrote {
				f.durable[k] = entry{v, version}
			}
			f.last = version
			return nil
		},
		Errors:     Errors{Closed: errTestClosed, Broken: errTestBroken, Damaged: errTestDamaged, Unknown: errTestUnknown},
		MaxChanges: testChanges, MaxEntries: testEntries, MaxSize: testSize,
	}
	for _, do := range change {
		do(&c)
	}
	return New(c)
}

// look compares a batch with the limits.
func (f *fake) look(version uint64, batch []*Change) {
	f.mu.Lock()
	defer f.mu.Unlock()
	entries, size := 0, 0
	for _, c := range batch {
		entries += len(c.Writes())
		for _, w := range c.Writes() {
			size += w.Size()
		}
	}
	if len(batch) == 0 || len(batch) > testChanges || entries > testEntries || size > testSize {
		f.wrong = append(f.wrong, "a batch is too large, or empty")
	}
	if version != f.last+1 {
		f.wrong = append(f.wrong, "a version was left out, or given twice")
	}
}

func (f *fake) get(key string) entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.durable[key]
}

type fakeTx struct {
	of    map[string]entry
	wrote map[string]string
}

func (f *fake) begin(version uint64) Tx {
	f.mu.Lock()
	defer f.mu.Unlock()
	if version != f.last {
		f.wrong = append(f.wrong, "a transaction does not begin at the newest version")
	}
	return &fakeTx{maps.Clone(f.durable), map[string]string{}}
}

func (t *fakeTx) Get(key []byte) ([]byte, error) {
	if v, ok := t.wrote[string(key)]; ok {
		return []byte(v), nil
	}
	if e, ok := t.of[string(key)]; ok {
		return []byte(e.value), nil
	}
	return nil, nil
}

func (t *fakeTx) Apply(writes []Write) error {
	for _, w := range writes {
		t.wrote[string(w.Key)] = string(w.Value)
	}
	return nil
}

func (*fakeTx) Discard() {}

// within fails the test if f does not return soon.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() { f(); close(done) }()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("%s: it does not end", what)
	}
}
