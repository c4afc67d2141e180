//go:build failpoints

package failpoint

import (
	"context"
	"fmt"
	"net/http/httptrace"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// trap is what happens at a place.
type trap struct {
	action string
	pass   int64
	wait   time.Duration
	passed atomic.Int64
}

// traps reads the environment once; a mistake in it ends the process, because a
// test that strikes nowhere would prove nothing.
var traps = sync.OnceValue(func() map[Place]*trap {
	all := make(map[Place]*trap)
	for item := range strings.SplitSeq(os.Getenv(Env), ",") {
		if item == "" {
			continue
		}
		t, place, err := parse(item)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		all[place] = t
	}
	return all
})

func parse(item string) (t *trap, place Place, err error) {
	name, rest, ok := strings.Cut(item, "=")
	rest, wait, waits := strings.Cut(rest, "+")
	action, pass, passes := strings.Cut(rest, "@")
	t = &trap{action: action, pass: 1}
	if waits {
		t.wait, err = time.ParseDuration(wait)
	}
	if passes && err == nil {
		t.pass, err = strconv.ParseInt(pass, 10, 64)
	}
	switch action {
	case "kill", "panic", "delay":
	default:
		ok = false
	}
	if !ok || err != nil {
		return nil, "", fmt.Errorf("%s: %q is no place=action[@pass][+duration]", Env, item)
	}
	return t, Place(name), nil
}

// Hit is a place that the process passes.
func Hit(p Place) {
	t := traps()[p]
	if t == nil || t.passed.Add(1) != t.pass {
		return
	}
	fmt.Fprintf(os.Stderr, "failpoint %s: %s\n", p, t.action)
	switch {
	case t.action == "kill" && t.wait > 0:
		time.AfterFunc(t.wait, die)
	case t.action == "kill":
		die()
	case t.action == "panic":
		panic("failpoint " + string(p))
	default:
		time.Sleep(t.wait)
	}
}

// die is kill -9: nothing is flushed, closed or said.
func die() {
	_ = syscall.Kill(syscall.Getpid(), syscall.SIGKILL)
	select {}
}

// Sent makes a place of the moment at which a request that is made with the
// context has been written.
func Sent(ctx context.Context, p Place) context.Context {
	if traps()[p] == nil {
		return ctx
	}
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { Hit(p) },
	})
}
