package doctor_test

import (
	"testing"
	"time"

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
