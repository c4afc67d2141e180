package clients_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/sandbox"
)

// TestClients: each client, as its authors publish it, pays, cancels, loses an answer
// and asks twice through the relay in its gateway's place. Each order that was paid is
// credited once.
func TestClients(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"zarinpal-checkout", "zarinpal-node-sdk", "zibal"} {
		s := w.shops[name]
		t.Run(name, func(t *testing.T) {
			s.w.t = t
			s.paid()
			s.cancelled()
			s.lostAnswer()
			s.twice()
			s.otherOrder()
			if name == "zarinpal-checkout" {
				s.impatient()
			}
			if s.gateway == "zarinpal" {
				s.more()
			} else {
				s.text()
			}
		})
	}
}

func (s *shop) expect(what, order, id, state string, credited int) {
	s.w.t.Helper()
	s.wait(id, state)
	if n := s.credited(order); n != credited {
		s.w.t.Errorf("%s, %s: credited %d times", s.client, what, n)
	}
}

func (s *shop) paid() {
	s.w.t.Helper()
	id := s.start("101")
	if to := s.comes(s.act(id, "pay")); to != "/order-received/101" {
		s.w.t.Error("paid, and sent to", to)
	}
	s.expect("paid", "101", id, "delivered", 1)
}

func (s *shop) cancelled() {
	s.w.t.Helper()
	id := s.start("102")
	if to := s.comes(s.act(id, "cancel")); to != "/cart" {
		s.w.t.Error("cancelled, and sent to", to)
	}
	s.expect("cancelled", "102", id, "created", 0)
}

// lostAnswer: the gateway settles, and its answer breaks off. The client's own question
// still hears "first".
func (s *shop) lostAnswer() {
	s.w.t.Helper()
	id := s.start("103")
	ret := s.act(id, "pay")
	s.fault(sandbox.Fault{Kind: "after"})
	if to := s.comes(ret); to != "/order-received/103" && s.client != "zarinpal-checkout" {
		s.w.t.Error("its answer was lost, and sent to", to)
	}
	if s.credited("103") == 0 {
		s.comes(ret) // its patience was over: the customer looks again
	}
	s.expect("a lost answer", "103", id, "delivered", 1)
}

// twice: a second look at the return page credits nothing.
func (s *shop) twice() {
	s.w.t.Helper()
	id := s.start("104")
	ret := s.act(id, "pay")
	s.comes(ret)
	s.wait(id, "delivered")
	if to := s.comes(ret); !strings.HasPrefix(to, "/cart?failed=") {
		s.w.t.Error("a second look was sent to", to)
	}
	s.expect("a second look", "104", id, "delivered", 1)
}

// otherOrder: a return that somebody moved to another order reaches no shop.
func (s *shop) otherOrder() {
	s.w.t.Helper()
	cheap, dear := s.start("105"), s.start("106")
	ret := s.act(cheap, "pay")
	s.act(dear, "cancel")
	forged := *ret
	forged.URL = strings.Replace(ret.URL, "order=105", "order=106", 1)
	if to := s.comes(&forged); to != "" {
		s.w.t.Error("another order's return was sent to", to)
	}
	s.comes(ret)
	s.expect("its own return", "105", cheap, "delivered", 1)
	s.expect("another's return", "106", dear, "created", 0)
}

// impatient: the client gives up before its gateway answers. Alone it would hear "again"
// from then on; here its next question hears "first".
func (s *shop) impatient() {
	s.w.t.Helper()
	id := s.start("107")
	ret := s.act(id, "pay")
	s.fault(sandbox.Fault{Kind: "delay", When: "after", MS: 2500})
	if to := s.comes(ret); to != "/cart?failed=2" {
		s.w.t.Error("it was to give up, and sent to", to)
	}
	s.wait(id, "verified")
	if to := s.comes(ret); to != "/order-received/107" {
		s.w.t.Error("the next question, and sent to", to)
	}
	s.expect("an impatient client", "107", id, "delivered", 1)
}

// more are the other calls of Zarinpal's clients.
func (s *shop) more() {
	s.w.t.Helper()
	id := s.start("108")
	ret := s.act(id, "pay")
	if status, said := s.calls("list", ""); status != http.StatusOK || !strings.Contains(said, id) {
		s.w.t.Errorf("the list of unverified payments: %d %s", status, said)
	}
	if s.client == "zarinpal-checkout" {
		// Not in the document of v4: it is refused, and nothing is forwarded.
		if status, said := s.calls("refresh", id); status != http.StatusInternalServerError || !strings.Contains(said, "-52") {
			s.w.t.Errorf("a call that is in no document: %d %s", status, said)
		}
		return
	}
	if _, said := s.calls("inquire", id); said != `"PAID"` {
		s.w.t.Error("an inquiry before verify says", said)
	}
	s.comes(ret)
	s.wait(id, "delivered")
	if _, said := s.calls("inquire", id); said != `"VERIFIED"` {
		s.w.t.Error("an inquiry after verify says", said)
	}
	if status, said := s.calls("reverse", id); status != http.StatusOK || said != "100" {
		s.w.t.Errorf("a reverse: %d %s", status, said)
	}
	s.expect("reversed", "108", id, "reversed", 1)
}

// text: the shop gives Zibal's client the id as text, as it stands in the address. The
// client sends it so, and the gateway breaks on it. Alone such a shop never credits; here
// we ask in its place, and its next question hears "first".
func (s *shop) text() {
	s.w.t.Helper()
	id := s.start("109")
	ret := s.act(id, "pay")
	if to := s.comes(ret); to != "/cart?failed=1" {
		s.w.t.Error("an id as text, and sent to", to)
	}
	s.wait(id, "verified")
	if to := s.comes(ret); to != "/order-received/109" {
		s.w.t.Error("the next question, and sent to", to)
	}
	s.expect("an id as text", "109", id, "delivered", 1)
}
