package commit

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

var (
	errTestConflict = errors.New("test: conflict")
	errTestRefused  = errors.New("test: refused")
	errTestFailed   = errors.New("test: failed")
	errTestFull     = errors.New("test: full")
)

// caller is one of a crowd.
type caller struct {
	c       *Change
	key     string
	err     error
	settled atomic.Int32
}

// The kinds of callers, in turn.
const (
	plain = iota
	plainAgain
	lazy
	mayLeave
	leaves
	gone
	losing
	counting
	huge
	new1
	kinds
)

func newCaller(i int) (k *caller, cancel context.CancelFunc) {
	k = &caller{key: strconv.Itoa(i)}
	ctx, cancel := context.Background(), context.CancelFunc(func() {})
	switch i % kinds {
	case mayLeave:
		ctx, cancel = context.WithCancel(ctx)
	case leaves:
		ctx, cancel = context.WithTimeout(ctx, time.Duration(i%997)*time.Microsecond)
	case gone:
		ctx, cancel = context.WithCancel(ctx)
		cancel()
	}
	k.c = &Change{Ctx: ctx, Lazy: i%kinds == lazy, Internal: i%kinds == plainAgain, Grows: i%kinds == new1,
		Settled: func() { k.settled.Add(1) },
		Stage: func(get Getter) ([]Write, error) {
			switch i % kinds {
			case losing:
				return nil, errTestConflict
			case huge:
				return []Write{{Key: []byte(k.key), Value: make([]byte, testSize)}}, nil
			case counting:
				v, err := get([]byte("count"))
				n, _ := strconv.Atoi(string(v))
				return []Write{{Key: []byte("count"), Value: []byte(strconv.Itoa(n + 1))}, {Key: []byte(k.key)}}, err
			}
			return []Write{{Key: []byte(k.key)}, {Key: []byte(k.key + "'")}, {Key: []byte(k.key + "''")}}, nil
		}}
	return k, cancel
}

// behaviour is how a store behaves under a crowd.
type behaviour struct {
	name           string
	record, commit func(version uint64) error
	stage          bool // one of the stages panics
	close          bool // in the middle
	broken         bool // in the end
}

func behaviours() []behaviour {
	on := func(at uint64, do func() error) func(uint64) error {
		return func(version uint64) error {
			if version == at {
				return do()
			}
			return nil
		}
	}
	var tries atomic.Int64
	slow := func(uint64) error { time.Sleep(time.Millisecond); return nil }
	return []behaviour{
		{name: "quick"},
		{name: "slow", commit: slow},
		{name: "refusing", record: func(uint64) error {
			if tries.Add(1)%3 == 0 {
				return errTestRefused
			}
			return nil
		}},
		{name: "recording fails", record: on(3, func() error { return errTestUnknown }), broken: true},
		{name: "committing fails", commit: on(3, func() error { return errTestFailed }), broken: true},
		{name: "recording panics", record: on(2, func() error { panic("a fault") }), broken: true},
		{name: "committing panics", commit: on(2, func() error { panic("a fault") }), broken: true},
		{name: "staging panics", stage: true, broken: true},
		{name: "closed in the middle", commit: slow, close: true},
	}
}

// However many callers come at once, and whatever the store does, each is answered
// exactly once, as it happened, and the queue closes.
func TestEachIsAnsweredOnce(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 64, 256, 257, 2000, 10_000} {
		for _, b := range behaviours() {
			t.Run(fmt.Sprintf("%d/%s", n, b.name), func(t *testing.T) { crowd(t, n, b) })
		}
	}
}

func crowd(t *testing.T, n int, b behaviour) {
	f := &fake{}
	if b.record != nil {
		f.record = func(version uint64, _ []*Change) error { return b.record(version) }
	}
	if b.commit != nil {
		f.commit = func(version uint64, _ []*Change) error { return b.commit(version) }
	}
	q := f.queue(func(c *Config) {
		c.Admit = func(grows bool) error {
			if grows {
				return errTestFull
			}
			return nil
		}
	})
	callers := make([]*caller, n)
	var all sync.WaitGroup
	var open atomic.Int64
	for i := range callers {
		k, cancel := newCaller(i)
		callers[i] = k
		if b.stage && i == n/2 {
			k.c.Stage = func(Getter) ([]Write, error) { panic("a fault") }
		}
		open.Add(1)
		all.Go(func() {
			defer cancel()
			k.err = q.Submit(k.c)
			open.Add(-1)
			if k.err == nil {
				seen(t, q, f, k, b)
			}
		})
	}
	if b.close {
		for int(open.Load()) > n/2+1 {
			time.Sleep(100 * time.Microsecond)
		}
		within(t, "closing", func() { q.Close() })
	}
	within(t, "a crowd", all.Wait)
	within(t, "closing", func() { q.Close() })
	if err := q.Submit(&Change{Ctx: context.Background()}); !errors.Is(err, errTestClosed) {
		t.Errorf("after the end: %v", err)
	}
	judge(t, q, f, callers, b)
}

// seen looks for what a caller was told of.
func seen(t *testing.T, q *Queue, f *fake, k *caller, b behaviour) {
	err := q.View(context.Background(), func(version uint64) error {
		if e := f.get(k.key); e.version == 0 || e.version > version {
			t.Errorf("%s was told of, and is not there: %+v at %d", k.key, e, version)
		}
		return nil
	}, []byte(k.key))
	if err != nil && !(b.broken && errors.Is(err, errTestBroken)) && !(b.close && errors.Is(err, errTestClosed)) {
		t.Errorf("reading %s: %v", k.key, err)
	}
}

// judge compares what callers were told with what the store holds.
func judge(t *testing.T, q *Queue, f *fake, callers []*caller, b behaviour) {
	t.Helper()
	counted, written := 0, uint64(0)
	for i, k := range callers {
		there, settled := f.get(k.key).version != 0, k.settled.Load()
		switch {
		case settled > 1:
			t.Errorf("%d was settled %d times", i, settled)
		case settled == 1 != there:
			t.Errorf("%d is there: %v, was settled %d times", i, there, settled)
		}
		left := errors.Is(k.err, ErrLeft)
		if answers := len(k.c.done); answers > 1 || answers == 1 && !left {
			t.Errorf("%d was told more than once", i)
		}
		if there && i%kinds == counting {
			counted++
		}
		if there && i%kinds != plainAgain {
			written++
		}
		want := told(i, k, there, b)
		if !want {
			t.Errorf("%d was told %v; it is there: %v", i, k.err, there)
		}
	}
	if v := f.get("count").value; v != strconv.Itoa(counted) && counted > 0 {
		t.Errorf("%s counted, of %d", v, counted)
	}
	if q.Commits() != written {
		t.Errorf("%d commits, of %d", q.Commits(), written)
	}
	if q.Broken() && !b.broken {
		t.Error("it is broken")
	}
	for _, w := range f.wrong {
		t.Error(w)
	}
}

// told reports whether a caller was told what happened.
func told(i int, k *caller, there bool, b behaviour) bool {
	switch {
	case b.broken && errors.Is(k.err, errTestBroken), b.close && errors.Is(k.err, errTestClosed):
		return !there
	case b.name == "refusing" && errors.Is(k.err, errTestRefused):
		return !there
	}
	switch i % kinds {
	case gone:
		return errors.Is(k.err, context.Canceled) && !there
	case leaves:
		return k.err == nil && there || errors.Is(k.err, ErrLeft) || errors.Is(k.err, context.DeadlineExceeded) && !there
	case losing:
		return errors.Is(k.err, errTestConflict) && !there
	case huge:
		return k.err != nil && !there
	case new1:
		return errors.Is(k.err, errTestFull) && !there
	case lazy:
		return k.err == nil && (there || b.broken)
	}
	return k.err == nil && there
}
