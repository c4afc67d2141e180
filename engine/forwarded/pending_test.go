package forwarded

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/rahgir/caddy-payments/payment"
)

// A create that passed is known at once, after a restart, and until it was read in; other
// calls are none.
func TestCreated(t *testing.T) {
	path := filepath.Join(t.TempDir(), "calls.jsonl")
	log := &Log{path: path}
	for _, m := range []Mark{
		{Call: "c1", Kind: payment.RelayCreate, Provider: "p", ID: "K1", Callback: "https://shop.test/cb?order=1"},
		{Call: "c2", Kind: payment.RelayVerify, Provider: "p", ID: "K2"},
		{Call: "c3", Kind: payment.RelayCreate, Provider: "q", ID: "K1"},
		{Call: "c4", Kind: payment.RelayCreate, Provider: "p"},
	} {
		if err := log.Append(m); err != nil {
			t.Fatal(err)
		}
	}
	again := &Log{path: path} // after a restart
	for _, l := range []*Log{log, again} {
		if got := l.Created("K1"); len(got) != 2 || got[0].Callback != "https://shop.test/cb?order=1" {
			t.Errorf("%+v", got)
		}
		if len(l.Created("K2")) != 0 || len(l.Created("")) != 0 {
			t.Error("a verify, or nothing, counts as a create")
		}
	}
	if _, err := again.Read(func([]Mark) error { return errNoLog }, goesOn); err == nil || len(again.Created("K1")) != 2 {
		t.Error("it is forgotten before it was read in")
	}
	if third := (&Log{path: path}); len(third.Created("K1")) != 2 {
		t.Error("what was put aside is not found after a restart")
	}
	if _, err := again.Read(func([]Mark) error { return nil }, goesOn); err != nil || len(again.Created("K1")) != 0 {
		t.Error("it is held for ever", err)
	}
	// Read in at the start, before anybody asked.
	if err := log.Append(Mark{Call: "c5", Kind: payment.RelayCreate, Provider: "p", ID: "K5"}); err != nil {
		t.Fatal(err)
	}
	fresh := &Log{path: path}
	if _, err := fresh.Read(func([]Mark) error { return nil }, goesOn); err != nil || len(fresh.Created("K5")) != 0 {
		t.Error("at the start", err)
	}
	if (*Log)(nil).Created("K1") != nil {
		t.Error("no file, no creates")
	}
}

// A disk that takes no mark makes no payment unknown, and memory is bounded.
func TestCreatedIsBounded(t *testing.T) {
	log := &Log{path: filepath.Join(t.TempDir(), "calls.jsonl")}
	for i := range mostPending + 1 {
		log.remember(Mark{Call: strconv.Itoa(i), Kind: payment.RelayCreate, Provider: "p", ID: "K" + strconv.Itoa(i)})
		if i == mostPending-1 && len(log.Created("K0")) != 1 {
			t.Fatal("the first is gone at the bound")
		}
	}
	if len(log.Created("K0")) != 0 || len(log.Created("K1")) != 1 || len(log.Created("K"+strconv.Itoa(mostPending))) != 1 || len(log.pending.byID) != mostPending {
		t.Error("the oldest goes first")
	}
}

// No line keeps the creates after it from being found.
func TestCreatedAfterALongLine(t *testing.T) {
	for _, size := range []int{maxLine - 1, maxLine, maxLine + 1, 3 * maxLine} {
		path := filepath.Join(t.TempDir(), "calls.jsonl")
		if err := os.WriteFile(path, append(bytes.Repeat([]byte("x"), size), '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := (&Log{path: path}).Append(Mark{Call: "c", Kind: payment.RelayCreate, Provider: "p", ID: "K1"}); err != nil {
			t.Fatal(err)
		}
		if got := (&Log{path: path}).Created("K1"); len(got) != 1 {
			t.Errorf("after a line of %d bytes: %+v", size, got)
		}
	}
}

// Which payments have calls that are still to be read in, whichever file they stand in;
// a create says nothing of what the shop has heard.
func TestMarked(t *testing.T) {
	log := &Log{path: filepath.Join(t.TempDir(), "calls.jsonl")}
	for _, m := range []Mark{
		{Call: "c1", Kind: payment.RelayCreate, Provider: "p", ID: "K1"},
		{Call: "c2", Kind: payment.RelayVerify, Provider: "p", ID: "K2"},
		{Call: "c3", Kind: payment.RelayGiveBack, Provider: "p", ID: "K3"},
	} {
		if err := log.Append(m); err != nil {
			t.Fatal(err)
		}
	}
	all := func(when string, want bool) {
		t.Helper()
		for id, want := range map[string]bool{"K1": false, "K2": want, "K3": want, "": false, "K4": false} {
			if log.Marked(id) != want {
				t.Errorf("%s, %q: %v", when, id, !want)
			}
		}
	}
	all("written", true)
	if _, err := log.Read(func([]Mark) error { return errNoLog }, goesOn); err == nil {
		t.Error("read in")
	}
	all("put aside", true)
	if _, err := log.Read(func([]Mark) error { return nil }, goesOn); err != nil {
		t.Error(err)
	}
	all("read in", false)
	if (*Log)(nil).Marked("K2") {
		t.Error("no file, no calls")
	}
}

// goesOn: the ledger is well, whatever an error says of one payment.
func goesOn() bool { return false }
