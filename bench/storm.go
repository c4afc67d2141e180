package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// returnsAtOnce is how many returns of one payment come at the same moment.
const returnsAtOnce = 256

// storm sends the same return many times at once.
func storm(ctx context.Context, b *bench) error {
	site := b.address()
	c, err := b.startCaddy(ctx, globals("badger {dir}/ledger")+fmt.Sprintf(verifySite, local(site), "", "once"))
	if err != nil {
		return err
	}
	defer c.stop()
	warm := job{Address: site, Path: returnPath, Returns: true, Workers: 1, Count: 20, Want: string(okBody)}
	if _, err := b.load.run(warm); err != nil {
		return err
	}
	for _, s := range []struct{ what, prefix string }{
		{"a provider that answers at once", ""},
		{slowWords, slow},
	} {
		var verifies, deliveries, took []float64
		status := map[int]int64{}
		for range b.rounds {
			before, err := b.counts()
			if err != nil {
				return err
			}
			r, err := b.load.run(job{Address: site, Path: returnPath, Returns: true, Prefix: s.prefix, Workers: returnsAtOnce, Once: true})
			if err != nil {
				return err
			}
			after, err := b.counts()
			if err != nil {
				return err
			}
			verifies = append(verifies, float64(after.Verifies-before.Verifies))
			deliveries = append(deliveries, float64(after.Verified-before.Verified))
			took = append(took, micros(r.Took)/1e3)
			for code, n := range r.Status {
				status[code] += n
			}
			if after.Verifies == before.Verifies || after.Verified == before.Verified {
				return fmt.Errorf("a payment was not verified or not delivered; the answers: %v", r.Status)
			}
			if r.Errors > 0 {
				return fmt.Errorf("%d connections broke: %s", r.Errors, r.First)
			}
		}
		b.atMost("verify calls, "+s.what, []float64{slices.Max(verifies)}, 1, "", fmt.Sprintf("the worst of %d rounds", len(verifies)))
		b.atMost("deliveries as verified, "+s.what, []float64{slices.Max(deliveries)}, 1, "", fmt.Sprintf("all answers: %v", status))
		b.info("  till all are answered, "+s.what, took, "ms", "")
	}
	return nil
}

// landing opens a product page with a track id and gives the cookie that came
// with it.
func landing(site string) (string, error) {
	client := http.Client{Timeout: 10 * time.Second}
	res, err := client.Get("http://" + local(site) + "/product/mug?track_id=a1b2c3d4e5f60718")
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	for _, c := range res.Cookies() {
		if strings.Contains(c.Name, "track") {
			return c.Name + "=" + c.Value, nil
		}
	}
	return "", errors.New("the landing page set no cookie of a track")
}

// memory compares processes at rest.
func memory(ctx context.Context, b *bench) error {
	if b.quick {
		return errors.New("left out by -quick")
	}
	const wait = 10 * time.Second
	var all, own []float64
	for range 3 {
		plain, err := b.startCaddy(ctx, globals("")+fmt.Sprintf("http://%s {\n\tbind 127.0.0.1\n\treverse_proxy {shop}\n}\n", local(b.address())))
		if err != nil {
			return err
		}
		ours, err := b.startCaddy(ctx, globals("badger {dir}/ledger")+fmt.Sprintf(verifySite, local(b.address()), "", "once"))
		if err != nil {
			return err
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		plainAll, plainOwn := plain.resident()
		oursAll, oursOwn := ours.resident()
		plain.stop()
		ours.stop()
		if plainAll == 0 {
			return errors.New("this system does not say how much memory a process has")
		}
		all, own = append(all, oursAll-plainAll), append(own, oursOwn-plainOwn)
	}
	b.atMost("memory over plain Caddy, at rest", all, 32, "MiB", fmt.Sprintf("%.0f MiB without pages of files; an empty ledger, %s after start", median(own), wait))
	return nil
}
