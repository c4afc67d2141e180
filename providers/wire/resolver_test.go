package wire

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// dnsServer answers with one address, by UDP.
func dnsServer(t *testing.T, answer func(name string, kind dnsmessage.Type) (a [4]byte, ok bool)) (address string, asked *atomic.Int32) {
	t.Helper()
	pc, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pc.Close() })
	asked = new(atomic.Int32)
	go func() {
		buf := make([]byte, 1500)
		for {
			n, from, err := pc.ReadFrom(buf)
			if err != nil {
				return
			}
			asked.Add(1)
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			q := m.Questions[0]
			m.Response = true
			if a, ok := answer(q.Name.String(), q.Type); ok {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET, TTL: 1}, Body: &dnsmessage.AResource{A: a}}}
			}
			b, _ := m.Pack()
			_, _ = pc.WriteTo([]byte("not DNS"), from) // a stray packet
			_, _ = pc.WriteTo(b, from)
		}
	}()
	return pc.LocalAddr().String(), asked
}

// R32: the hosts file isn't asked, and an answer that leads to this machine is refused
// at each dial, unless base_url names the address.
func TestResolver(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"a":1}`) }))
	defer srv.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(srv.URL, "http://"))
	server, asked := dnsServer(t, func(_ string, kind dnsmessage.Type) ([4]byte, bool) {
		return [4]byte{127, 0, 0, 1}, kind == dnsmessage.TypeA
	})
	c := &Config{Resolver: server}
	client, err := c.Client()
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx := context.Background()
	r := client.Do(ctx, Call{URL: "http://payment.gateway.example:" + port + "/", Body: []byte("x"), Type: JSON})
	if r.Err == nil || !r.Unsent {
		t.Fatalf("a call to ourselves went out: %+v", r)
	}
	if r := client.Do(ctx, Call{URL: srv.URL, Body: []byte("x"), Type: JSON}); r.Err != nil {
		t.Fatalf("base_url names the address: %v", r.Err)
	}
	if n := asked.Load(); n != 2 {
		t.Error("asked", n, "times")
	}
	own := newResolver(server, &net.Dialer{Timeout: time.Second})
	if _, err := own.lookup(ctx, "payment.gateway.example"); !errors.Is(err, errOwnAddress) {
		t.Error(err)
	}
	own.ours = func() []netip.Addr { return []netip.Addr{netip.MustParseAddr("192.0.2.7")} }
	for ip, want := range map[[4]byte]bool{{192, 0, 2, 7}: false, {192, 0, 2, 6}: true, {192, 0, 2, 8}: true, {0, 0, 0, 0}: false, {127, 0, 0, 53}: false} {
		server, _ := dnsServer(t, func(_ string, kind dnsmessage.Type) ([4]byte, bool) { return ip, kind == dnsmessage.TypeA })
		own.server = server
		clear(own.known)
		got, err := own.lookup(ctx, "x.example")
		if (err == nil) != want || want && got[0] != netip.AddrFrom4(ip) {
			t.Errorf("%v: %v, %v", ip, got, err)
		}
	}
	// An answer that is known is looked at again with each dial: the address may be
	// ours since.
	for ip, ours := range map[[4]byte]string{{192, 0, 2, 7}: "192.0.2.7", {192, 0, 2, 8}: "192.0.2.8"} {
		server, _ := dnsServer(t, func(_ string, kind dnsmessage.Type) ([4]byte, bool) { return ip, kind == dnsmessage.TypeA })
		own.server, own.ours = server, func() []netip.Addr { return nil }
		clear(own.known)
		if _, err := own.lookup(ctx, "y.example"); err != nil {
			t.Error(err)
		}
		own.ours = func() []netip.Addr { return []netip.Addr{netip.MustParseAddr(ours)} }
		if _, err := own.lookup(ctx, "y.example"); !errors.Is(err, errOwnAddress) {
			t.Errorf("%s became ours, and is called: %v", ours, err)
		}
	}
	nobody, _ := dnsServer(t, func(string, dnsmessage.Type) ([4]byte, bool) { return [4]byte{}, false })
	own.server = nobody
	clear(own.known)
	if _, err := own.lookup(ctx, "x.example"); !errors.Is(err, errResolve) {
		t.Error(err)
	}
}

func TestParseResolver(t *testing.T) {
	for in, want := range map[string]string{
		"1.1.1.1": "1.1.1.1:53", "10.0.0.2:5353": "10.0.0.2:5353", "2001:db8::1": "[2001:db8::1]:53", "[2001:db8::1]:54": "[2001:db8::1]:54",
		"": "", "dns.example": "", "dns.example:53": "", "1.1.1.1:0": "", "1.1.1.1:65536": "", "tls://1.1.1.1": "",
	} {
		got, err := parseResolver(in)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q is %q, %v", in, got, err)
		}
	}
}
