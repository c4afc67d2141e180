package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// returnPath is where customers come back to on every site.
const returnPath = "/callback"

// payments is the global options' part; {store} is filled in.
const paymentsApp = `
	payments {
		storage {store}
		signing_key {secret}
		provider idpay {
			api_key {key}
			base_url http://{provider}
		}
		affiliate hamekar {
			store_token store-token-of-the-bench
			base_url http://{provider}
		}
	}`

// global is the options block of a Caddyfile. {extra} is filled in.
const globalOptions = `{
	admin {admin}
	auto_https off{extra}
}
`

func globals(store string) string {
	extra := ""
	if store != "" {
		extra = strings.ReplaceAll(paymentsApp, "{store}", store)
	}
	return strings.ReplaceAll(globalOptions, "{extra}", extra)
}

// busyBlock has routes of every kind; without gates and announcements nothing is
// looked at when an answer begins.
// {origin} is the site's: blocks of the same routes could be one shop's, else.
const busyBlock = `	payments {
		public_url {origin}
		track /product/* /landing/*
		checkout /buy idpay {
			item mug 120000toman "A mug"
		}
		verify /callback idpay {
			expect signed
		}
		verify /back/* idpay {
			expect signed
		}
{rest}	}
`

const gates = `		require /download/* {
			item mug
			checkout /buy
		}
`

// local names an address as browsers do.
func local(address string) string { return strings.Replace(address, "127.0.0.1", "localhost", 1) }

// bystanders measures a request that concerns no payment.
func bystanders(ctx context.Context, b *bench) error {
	const path = "/page.html"
	pages, stop, err := b.pages(ctx, path, path, "bench_nothing")
	if err != nil {
		return err
	}
	defer stop()
	var all []*pair
	for _, kind := range []struct{ name, rest string }{
		{", announce on", gates},
		{", announce off and no gate", "\t\tannounce off\n"},
	} {
		for _, p := range pages {
			p.name = "no payment, " + p.name + kind.name
			p.block = strings.ReplaceAll(busyBlock, "{rest}", kind.rest)
			all = append(all, &p)
		}
	}
	if err := b.compare(ctx, all, 0.98); err != nil {
		return err
	}
	return b.allocations(ctx)
}

// tracked measures a landing page with a track id, each visit without a cookie.
func tracked(ctx context.Context, b *bench) error {
	const page = "/product/mug.html"
	pages, stop, err := b.pages(ctx, page, page+"?track_id=a1b2c3d4e5f60718", "bench_cookie")
	if err != nil {
		return err
	}
	defer stop()
	all := make([]*pair, 0, len(pages))
	for _, p := range pages {
		p.name = "tracked page, " + p.name
		p.block = strings.ReplaceAll(busyBlock, "{rest}", gates)
		all = append(all, &p)
	}
	return b.compare(ctx, all, 0.95)
}

// pages are pairs with each way to make a page; php-fpm makes one where there is one.
func (b *bench) pages(ctx context.Context, file, path, least string) (pairs []pair, stop func(), err error) {
	www := filepath.Join(b.dir, "www")
	file = filepath.Join(www, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // pages
		return nil, nil, err
	}
	page := strings.Repeat("<p>A page of a shop.</p>\n", 4096/25)
	if err := os.WriteFile(file, []byte(page), 0o644); err != nil { //nolint:gosec // a page
		return nil, nil, err
	}
	pairs = []pair{
		{name: "respond", rest: "\trespond ok\n"},
		{name: "file_server, 4 KiB", rest: "\troot " + www + "\n\tfile_server\n"},
		{name: "reverse_proxy", rest: "\treverse_proxy {shop}\n"},
	}
	f := b.phpIfThere(ctx)
	if f != nil {
		pairs = append(pairs, pair{name: "php_fastcgi, 4 KiB", rest: f.products()})
	}
	for i := range pairs {
		pairs[i].path, pairs[i].least = path, least
	}
	return pairs, f.stop, nil
}

// goBench is a line that `go test -bench -benchmem` prints: name, rounds, and
// pairs of number and unit.
var goBench = regexp.MustCompile(`(?m)^(Benchmark\S+)\s+\d+\s+(.*)$`)

// goTest runs benchmarks of a package and gives each one's metrics, in order.
func goTest(ctx context.Context, pkg, pattern string, args ...string) (map[string]map[string][]float64, error) {
	args = append([]string{"test", "-run", "^$", "-bench", pattern, "-benchmem"}, append(args, pkg)...)
	out, err := exec.CommandContext(ctx, "go", args...).CombinedOutput() //nolint:gosec // our own arguments
	if err != nil {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, out)
	}
	found := make(map[string]map[string][]float64)
	for _, m := range goBench.FindAllStringSubmatch(string(out), -1) {
		name := m[1]
		if i := strings.LastIndexByte(name, '-'); i > 0 {
			name = name[:i]
		}
		if found[name] == nil {
			found[name] = make(map[string][]float64)
		}
		f := strings.Fields(m[2])
		for i := 0; i+1 < len(f); i += 2 {
			if v, err := strconv.ParseFloat(f[i], 64); err == nil {
				found[name][f[i+1]] = append(found[name][f[i+1]], v)
			}
		}
	}
	return found, nil
}

// allocations of our handler alone, from the package's own benchmark.
func (b *bench) allocations(ctx context.Context) error {
	const name = "BenchmarkOrdinaryRequest"
	found, err := goTest(ctx, module+"/handlers", name+"$", "-benchtime", "200ms", "-count", "3")
	if err != nil {
		return err
	}
	for _, kind := range []struct {
		name, what string
		most       float64
	}{{"announce=on", "announce on", 2}, {"announce=off", "announce off and no gate", 0}, {"relay", "announce on, with a relay", 2}} {
		m := found[name+"/"+kind.name]
		if m == nil {
			return fmt.Errorf("no benchmark %s/%s", name, kind.name)
		}
		b.atMost("allocations in our handler, "+kind.what, m["allocs/op"], kind.most, "",
			fmt.Sprintf("%.0f ns and %.0f B a request", median(m["ns/op"]), median(m["B/op"])))
	}
	return nil
}

const module = "github.com/rahgir/caddy-payments"
