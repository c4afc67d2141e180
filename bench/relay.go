package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const relaySite = `http://%s {
	bind 127.0.0.1
	payments {
		relay /-/pay idpay
	}
	reverse_proxy {shop}
}
`

// relayed measures what the relay adds to a shop's own calls: in turns one shop asks the
// provider itself and through us, one call at a time. What synced commits take is taken
// off: they are counted, and timed, by the store.
func relayed(ctx context.Context, b *bench) error {
	site, counter := b.address(), b.address()
	c, err := b.startCaddy(ctx, globals("bench_counted {dir}/ledger-relay")+fmt.Sprintf(relaySite, local(site))+fmt.Sprintf(counterSite, local(counter)))
	if err != nil {
		return err
	}
	defer c.stop()
	n := 300
	if b.quick {
		n = 30
	}
	p := plugin{client: &http.Client{Timeout: 30 * time.Second}}
	defer p.client.CloseIdleConnections()
	direct, through := "http://"+b.provider, "http://"+local(site)+"/-/pay/idpay"
	type sums struct{ added, commits []float64 }
	of := map[string]*sums{"create": {}, "verify": {}}
	for range b.rounds {
		for _, kind := range []string{"create", "verify"} {
			var took, plain []float64
			var before, after commitTotals
			if err := getJSON("http://"+local(counter), &before); err != nil {
				return err
			}
			for range n {
				d, err := p.ask(ctx, direct, kind)
				if err != nil {
					return err
				}
				plain = append(plain, d)
				if d, err = p.ask(ctx, through, kind); err != nil {
					return err
				}
				took = append(took, d)
			}
			if err := getJSON("http://"+local(counter), &after); err != nil {
				return err
			}
			synced := float64(after.SyncedNanos-before.SyncedNanos) / 1e6 / float64(n)
			of[kind].added = append(of[kind].added, median(took)-median(plain)-synced)
			of[kind].commits = append(of[kind].commits, float64(after.Synced-before.Synced)/float64(n))
		}
	}
	for kind, most := range map[string]float64{"create": 1, "verify": 3} {
		b.atMost("a relayed "+kind+" adds at p50, beyond its synced commits", of[kind].added, 2, "ms", "one call at a time")
		b.atMost("synced commits of a relayed "+kind, of[kind].commits, most, "", "")
	}
	return nil
}

// plugin is a shop that starts and verifies its payments by itself.
type plugin struct {
	client *http.Client
	// made are the ids that were created through an address and not verified yet.
	made map[string][]string
	n    int
}

// ask makes one call, and says how many milliseconds it took.
func (p *plugin) ask(ctx context.Context, base, kind string) (float64, error) {
	if p.made == nil {
		p.made = make(map[string][]string)
	}
	p.n++
	path, body, want := pathCreate, fmt.Sprintf(`{"order_id":"r%d","amount":%d,"callback":"http://shop.test/back"}`, p.n, price), `"id":"`
	if kind == "verify" {
		ids := p.made[base]
		if len(ids) == 0 {
			return 0, fmt.Errorf("nothing was created at %s", base)
		}
		id, order, _ := strings.Cut(ids[0], " ")
		p.made[base] = ids[1:]
		path, body, want = pathCreate+"/verify", fmt.Sprintf(`{"id":"%s","order_id":"%s"}`, id, order), `"status":"100"`
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-API-KEY", apiKey)
	began := time.Now()
	res, err := p.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	took := time.Since(began)
	if err != nil {
		return 0, err
	}
	if !strings.Contains(string(text), want) {
		return 0, fmt.Errorf("a %s at %s: %d %s", kind, base, res.StatusCode, text)
	}
	if kind == "create" {
		p.made[base] = append(p.made[base], string(member(text, "id"))+fmt.Sprintf(" r%d", p.n))
	}
	return float64(took.Microseconds()) / 1000, nil
}
