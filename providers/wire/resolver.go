package wire

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// resolver asks one DNS server for the addresses of a provider's hosts, by itself:
// Go's own resolver believes the hosts file first, and where a relay stands in the
// provider's place that file leads to us.
type resolver struct {
	server string
	dialer *net.Dialer
	// ours are the addresses of this machine.
	ours func() []netip.Addr

	mu    sync.Mutex
	known map[string]resolved
}

type resolved struct {
	addrs []netip.Addr
	until time.Time
}

// resolvedFor is how long an answer is believed at most.
const resolvedFor = time.Minute

// Errors of resolving.
var (
	errOwnAddress = errors.New("the provider's name leads to this machine itself, by the DNS server of `resolver`: name one that knows the provider's true address")
	errResolve    = errors.New("the DNS server of `resolver` gave no address")
)

// parseResolver reads `ip[:port]`.
func parseResolver(s string) (string, error) {
	s = Expand(s)
	if a, err := netip.ParseAddr(s); err == nil {
		return net.JoinHostPort(a.String(), "53"), nil
	}
	if a, err := netip.ParseAddrPort(s); err == nil && a.Port() != 0 {
		return a.String(), nil
	}
	return "", fmt.Errorf("resolver %w: write the address of a DNS server, such as 1.1.1.1 or 10.0.0.2:53", ErrAddress)
}

func newResolver(server string, d *net.Dialer) *resolver {
	return &resolver{server: server, dialer: d, ours: machineAddrs, known: make(map[string]resolved)}
}

// dial connects to a name's address. An address that is written as one is taken as it
// is.
func (r *resolver) dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if _, err := netip.ParseAddr(host); err == nil || host == "localhost" {
		return r.dialer.DialContext(ctx, network, address)
	}
	addrs, err := r.lookup(ctx, host)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: network, Err: err}
	}
	var last error
	for _, a := range addrs {
		conn, err := r.dialer.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		last = err
	}
	return nil, last
}

func (r *resolver) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	now := time.Now()
	r.mu.Lock()
	k, ok := r.known[host]
	r.mu.Unlock()
	if !ok || now.After(k.until) {
		var all []netip.Addr
		var last error
		for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
			got, err := r.ask(ctx, host, kind)
			if err != nil {
				last = err
			}
			all = append(all, got...)
		}
		if len(all) == 0 {
			return nil, fmt.Errorf("%w for %s: %w", errResolve, host, orNone(last))
		}
		k = resolved{all, now.Add(resolvedFor)}
		r.mu.Lock()
		if len(r.known) > 100 {
			clear(r.known)
		}
		r.known[host] = k
		r.mu.Unlock()
	}
	ours := r.ours()
	for _, a := range k.addrs {
		if a.IsLoopback() || a.IsUnspecified() || slices.Contains(ours, a) {
			return nil, errOwnAddress
		}
	}
	return k.addrs, nil
}

func orNone(err error) error {
	if err == nil {
		return errors.New("no such name")
	}
	return err
}

// ask asks by UDP, twice, and by TCP where the answer does not fit.
func (r *resolver) ask(ctx context.Context, host string, kind dnsmessage.Type) ([]netip.Addr, error) {
	name, err := dnsmessage.NewName(strings.TrimSuffix(host, ".") + ".")
	if err != nil {
		return nil, errResolve
	}
	var id [2]byte
	if _, err := rand.Read(id[:]); err != nil {
		return nil, errResolve
	}
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: binary.BigEndian.Uint16(id[:]), RecursionDesired: true},
		Questions: []dnsmessage.Question{{Name: name, Type: kind, Class: dnsmessage.ClassINET}},
	}
	query, err := m.Pack()
	if err != nil {
		return nil, errResolve
	}
	var last error
	for _, network := range []string{"udp", "udp", "tcp"} {
		addrs, truncated, err := r.exchange(ctx, network, query, m)
		if err == nil && !truncated {
			return addrs, nil
		}
		if last = err; truncated {
			addrs, _, err = r.exchange(ctx, "tcp", query, m)
			return addrs, err
		}
	}
	return nil, last
}

func (r *resolver) exchange(ctx context.Context, network string, query []byte, asked dnsmessage.Message) (addrs []netip.Addr, truncated bool, err error) {
	conn, err := r.dialer.DialContext(ctx, network, r.server)
	if err != nil {
		return nil, false, errors.New("it can't be reached")
	}
	defer conn.Close()
	deadline := time.Now().Add(2 * time.Second)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	_ = conn.SetDeadline(deadline)
	buf := make([]byte, 64<<10)
	if network == "tcp" {
		query = append(binary.BigEndian.AppendUint16(nil, uint16(len(query))), query...) //nolint:gosec // a question is short
	}
	if _, err := conn.Write(query); err != nil {
		return nil, false, errors.New("it doesn't answer")
	}
	for {
		n := 0
		if network == "tcp" {
			var size [2]byte
			if _, err = io.ReadFull(conn, size[:]); err == nil {
				n, err = io.ReadFull(conn, buf[:binary.BigEndian.Uint16(size[:])])
			}
		} else {
			n, err = conn.Read(buf)
		}
		if err != nil {
			return nil, false, errors.New("it doesn't answer")
		}
		var m dnsmessage.Message
		if err := m.Unpack(buf[:n]); err != nil || m.ID != asked.ID || !m.Response || len(m.Questions) != 1 ||
			!strings.EqualFold(m.Questions[0].Name.String(), asked.Questions[0].Name.String()) || m.Questions[0].Type != asked.Questions[0].Type {
			if network == "tcp" {
				return nil, false, errors.New("its answer can't be read")
			}
			continue // somebody else's packet
		}
		if m.RCode != dnsmessage.RCodeSuccess {
			return nil, false, fmt.Errorf("it answers %s", m.RCode)
		}
		for _, a := range m.Answers {
			switch body := a.Body.(type) {
			case *dnsmessage.AResource:
				addrs = append(addrs, netip.AddrFrom4(body.A))
			case *dnsmessage.AAAAResource:
				addrs = append(addrs, netip.AddrFrom16(body.AAAA).Unmap())
			}
		}
		return addrs, m.Truncated, nil
	}
}

// machineAddrs returns the addresses of this machine's interfaces.
func machineAddrs() (all []netip.Addr) {
	addrs, err := net.InterfaceAddrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			all = append(all, p.Addr().Unmap())
		}
	}
	return all
}
