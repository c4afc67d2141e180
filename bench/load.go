package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rahgir/caddy-payments/payment"
)

// job is one piece of load.
type job struct {
	// Address may be several, with commas: the workers divide themselves among
	// them.
	Address string `json:"address"`
	// Path is asked for; Returns makes it the path of returns, each of another
	// payment, signed by the shop.
	Path    string `json:"path"`
	Returns bool   `json:"returns,omitempty"`
	Prefix  string `json:"prefix,omitempty"` // of the orders
	// Kind, in the place of Path and Returns, is one of those in kinds.go: each
	// request is another.
	Kind string `json:"kind,omitempty"`
	// Header are further lines, with their ends.
	Header string `json:"header,omitempty"`
	// Workers have a connection each and ask one after the other for the time of
	// Slice, or until there were Count of all together.
	Workers int           `json:"workers"`
	Slice   time.Duration `json:"slice,omitempty"`
	Count   int64         `json:"count,omitempty"`
	// Once: all workers send at the same moment, and that is all. It is the same
	// request, unless each is to be Distinct.
	Once     bool `json:"once,omitempty"`
	Distinct bool `json:"distinct,omitempty"`
	// Rate is how many requests a second all workers together send, each at its
	// time, whatever became of those before: how long one took counts from when it
	// was due. Zero is as fast as they are answered.
	Rate float64 `json:"rate,omitempty"`
	// Any: other answers than the wanted one are no failure.
	Any bool `json:"any,omitempty"`
	// Want is the body that counts as success; empty takes any.
	Want string `json:"want,omitempty"`
}

// result is what became of it.
type result struct {
	Done    int64         `json:"done"` // answered as wanted
	Other   int64         `json:"other"`
	Errors  int64         `json:"errors"`
	First   string        `json:"first,omitempty"` // what the first other answer was
	Took    time.Duration `json:"took"`
	P50     time.Duration `json:"p50"`
	P99     time.Duration `json:"p99"`
	Status  map[int]int64 `json:"status"`
	Verdict string        `json:"verdict,omitempty"`
}

func (r result) rate() float64 { return float64(r.Done) / r.Took.Seconds() }

// asked is how many were answered a second, in whatever way.
func (r result) asked() float64 { return float64(r.Done+r.Other) / r.Took.Seconds() }

// loader is the process that makes load.
type loader struct {
	in  io.Writer
	out *bufio.Reader
}

func (b *bench) startLoader(ctx context.Context) (*loader, error) {
	c, out, err := b.startRole(ctx, "load")
	if err != nil {
		return nil, err
	}
	return &loader{in: c.stdin, out: out}, nil
}

// run makes load and waits for its end. Anything but what was wanted is an
// error: a benchmark of error pages is fast.
func (l *loader) run(j job) (result, error) {
	line, err := json.Marshal(j)
	if err != nil {
		return result{}, err
	}
	if _, err := l.in.Write(append(line, '\n')); err != nil {
		return result{}, err
	}
	answer, err := l.out.ReadBytes('\n')
	if err != nil {
		return result{}, fmt.Errorf("the load has ended: %w", err)
	}
	var r result
	if err := json.Unmarshal(answer, &r); err != nil {
		return r, err
	}
	if r.Verdict != "" {
		return r, errors.New(r.Verdict)
	}
	if !j.Once && !j.Any && (r.Other > 0 || r.Errors > 0) {
		return r, fmt.Errorf("%s%s: %d answered otherwise, %d broken; %v; the first: %s", j.Address, j.Path, r.Other, r.Errors, r.Status, r.First)
	}
	return r, nil
}

// loadRole takes jobs from stdin, a line each.
func loadRole() {
	in := bufio.NewScanner(os.Stdin)
	returns := newReturns()
	for in.Scan() {
		var j job
		r := result{}
		if err := json.Unmarshal(in.Bytes(), &j); err != nil {
			r.Verdict = err.Error()
		} else {
			r = j.run(returns)
		}
		line, err := json.Marshal(r)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
	}
}

// worker is one connection's part of a job.
type worker struct {
	result
	address string
	took    []time.Duration
	c       net.Conn
	r       *bufio.Reader
	m       message
}

func (j job) run(returns *returns) result {
	workers := make([]*worker, j.Workers)
	addresses := strings.Split(j.Address, ",")
	for i := range workers {
		workers[i] = &worker{result: result{Status: map[int]int64{}}, address: addresses[i%len(addresses)]}
		if err := workers[i].dial(); err != nil {
			return result{Verdict: err.Error()}
		}
	}
	same := j.request(returns, addresses[0])
	each := j.Kind != "" || j.Returns
	if j.Once {
		each = j.Distinct
	}
	var begun atomic.Int64
	var ready, done sync.WaitGroup
	gate := make(chan struct{})
	var end time.Time
	for i, w := range workers {
		ready.Add(1)
		done.Go(func() {
			defer w.close()
			ready.Done()
			<-gate
			for n := 0; n == 0 || !j.Once; n++ {
				due := j.due(end, i+n*len(workers))
				if j.Count > 0 && begun.Add(1) > j.Count || j.Count == 0 && !j.Once && due.After(end) {
					return
				}
				req := same
				if each {
					req = j.request(returns, w.address)
				}
				time.Sleep(time.Until(due))
				if !w.ask(j, req, due) {
					return
				}
			}
		})
	}
	ready.Wait()
	start := time.Now()
	end = start.Add(j.Slice)
	close(gate)
	done.Wait()
	return sum(workers, time.Since(start))
}

// due is when the n-th request of all is to be sent.
func (j job) due(end time.Time, n int) time.Time {
	now := time.Now()
	if j.Rate == 0 {
		return now
	}
	if now.After(end) {
		return now // what is late by now is not sent at all
	}
	return end.Add(time.Duration(float64(n)/j.Rate*float64(time.Second)) - j.Slice)
}

func sum(workers []*worker, took time.Duration) result {
	r := result{Took: took, Status: map[int]int64{}}
	var all []time.Duration
	for _, w := range workers {
		r.Done, r.Other, r.Errors = r.Done+w.Done, r.Other+w.Other, r.Errors+w.Errors
		if r.First == "" {
			r.First = w.First
		}
		for code, n := range w.Status {
			r.Status[code] += n
		}
		all = append(all, w.took...)
	}
	slices.Sort(all)
	if n := len(all); n > 0 {
		r.P50, r.P99 = all[n/2], all[n*99/100]
	}
	return r
}

func (w *worker) dial() (err error) {
	if w.c, err = net.Dial("tcp", w.address); err == nil {
		w.r = bufio.NewReaderSize(w.c, 16<<10)
	}
	return err
}

func (w *worker) close() {
	if w.c != nil {
		_ = w.c.Close()
	}
}

// ask sends one request, which was due at start, and reads its answer; false ends
// the worker.
func (w *worker) ask(j job, req []byte, start time.Time) bool {
	_ = w.c.SetDeadline(time.Now().Add(time.Minute))
	_, err := w.c.Write(req)
	if err == nil {
		err = w.m.read(w.r)
	}
	if err != nil {
		w.Errors++
		w.First = err.Error()
		w.close()
		return w.dial() == nil
	}
	w.took = append(w.took, time.Since(start))
	w.Status[w.m.status()]++
	if w.m.status() == 200 && (j.Want == "" || string(w.m.body) == j.Want) {
		w.Done++
	} else {
		if w.Other == 0 {
			w.First = w.m.first + " " + string(w.m.body[:min(len(w.m.body), 300)])
		}
		w.Other++
	}
	if w.m.last {
		w.close()
		return w.dial() == nil
	}
	return true
}

// browser is what a browser sends when a person opens a page.
const browser = "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0\r\n" +
	"Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8\r\nAccept-Language: fa,en;q=0.5\r\n" +
	"Sec-Fetch-Dest: document\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Site: cross-site\r\n"

func (j job) request(returns *returns, address string) []byte {
	_, port, _ := strings.Cut(address, ":")
	if make := kinds[j.Kind]; make != nil {
		return make(returns.n.Add(1), returns, j, "localhost:"+port)
	}
	target := j.Path
	if j.Returns {
		target = returns.next(j, "http://localhost:"+port)
	}
	return []byte("GET " + target + " HTTP/1.1\r\nHost: localhost:" + port + "\r\n" + browser + j.Header + "\r\n")
}

// returns makes addresses of returns, no two of the same payment.
type returns struct {
	key  []byte
	base uint64
	n    atomic.Uint64
	// strays counts those that nobody made.
	strays atomic.Uint64
}

func newReturns() *returns {
	k, err := payment.NewSigningKey([]byte(secret), "")
	if err != nil {
		panic(err)
	}
	key, err := k.Derive(payment.PurposeReturn)
	if err != nil {
		panic(err)
	}
	return &returns{key: key, base: uint64(time.Now().UnixNano())}
}

// next is the address that IDPay sends a browser to by GET, with the shop's
// signature in it.
func (r *returns) next(j job, origin string) string {
	n := r.n.Add(1)
	id := fmt.Sprintf("%016x%016x", r.base, n*0x9e3779b97f4a7c15)
	order := j.Prefix + strconv.FormatUint(r.base/1e9%1e6*1e7+n, 10)
	s := payment.Signed{Origin: origin, Route: returnPath, Provider: "idpay", Order: order, Amount: price, Expires: time.Unix(time.Now().Unix()/3600*3600+7200, 0)}
	var b bytes.Buffer
	b.WriteString(j.Path + "?payment_order=" + url.QueryEscape(order))
	b.WriteString("&payment_amount=" + s.Amount.String() + "&payment_expires=" + strconv.FormatInt(s.Expires.Unix(), 10))
	b.WriteString("&payment_signature=" + s.Sign(r.key))
	b.WriteString("&status=10&track_id=" + strconv.FormatUint(n, 10) + "&id=" + id + "&order_id=" + url.QueryEscape(order))
	return b.String()
}
