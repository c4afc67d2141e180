package doctor_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate/doctor"
	"github.com/rahgir/caddy-payments/operate/watch"
)

// Returns that wait for longer than a minute to be asked about, and those that are not, are told;
// what waits for less is not.
func TestReturnsThatWait(t *testing.T) {
	now := time.Now()
	for _, c := range []struct {
		waiting         int
		since, lastDrop time.Duration
		dropped         int64
		tells           int
	}{
		{}, {waiting: 0, since: time.Hour}, {waiting: 9, since: -10 * time.Second}, {waiting: 1, since: time.Minute},
		{waiting: 1, since: time.Minute + time.Second, tells: 1}, {waiting: 5, since: time.Hour, tells: 1},
		{dropped: 1, tells: 1}, {dropped: 7, lastDrop: 24*time.Hour - time.Second, tells: 1}, {dropped: 7, lastDrop: 24 * time.Hour},
		{waiting: 5, since: time.Hour, dropped: 3, tells: 2},
	} {
		f := doctor.Facts{Watch: watch.New(nil), Now: now, Providers: []string{"p"}, Watching: func(string) (int, time.Time, int64, time.Time) {
			return c.waiting, now.Add(-c.since), c.dropped, now.Add(-c.lastDrop)
		}}
		n := 0
		for _, x := range doctor.Money(f) {
			if x.Code == "observed" && x.Where == "p" {
				n++
			}
		}
		if n != c.tells {
			t.Errorf("%+v: told %d times", c, n)
		}
	}
}

// How many wait and how many are not asked about is written in the digits of the finding's language.
func TestReturnsThatWaitAreCounted(t *testing.T) {
	now := time.Now()
	for _, l := range []lang.Lang{lang.EN, lang.FA} {
		for _, n := range []int64{1, 9, 1468, 1 << 40} {
			f := doctor.Facts{Watch: watch.New(nil), Now: now, Lang: l, Providers: []string{"p"}, Watching: func(string) (int, time.Time, int64, time.Time) {
				return int(n), now.Add(-time.Hour), n, now
			}}
			told := 0
			for _, x := range doctor.Money(f) {
				if x.Code != "observed" {
					continue
				}
				told++
				if !strings.HasPrefix(x.Text, lang.Digits(fmt.Sprint(n), l)+" ") || strings.Contains(x.Text, "%") {
					t.Errorf("%d in %s: %s", n, l, x.Text)
				}
			}
			if told != 2 {
				t.Errorf("%d in %s: told %d times", n, l, told)
			}
		}
	}
}
