package main

import (
	"context"
	"fmt"
	"strings"
	"time"
)

// crowdSize is how many stand at the door at once.
const crowdSize = 3_000

// crowds sends 3,000 requests at the same moment, each on a connection of its own,
// and tells Caddy to stop: after a crowd, and in the middle of one.
func crowds(ctx context.Context, b *bench) error {
	for _, s := range []struct {
		what string
		job  job
	}{
		{"returns, signed", job{Path: returnPath, Returns: true}},
		{"visits that the store keeps", job{Kind: kindVisit}},
		{"announcements, a synced commit each", job{Kind: kindAnnounce}},
		{"presses of Pay", job{Kind: kindPress}},
	} {
		s.job.Workers, s.job.Once, s.job.Distinct, s.job.Want = crowdSize, true, true, string(okBody)
		for _, middle := range []bool{false, true} {
			if err := b.oneCrowd(ctx, s.what, s.job, middle); err != nil {
				return err
			}
		}
	}
	return nil
}

// oneCrowd has a Caddy of its own, which is told to stop.
func (b *bench) oneCrowd(ctx context.Context, what string, j job, middle bool) error {
	j.Address = b.address()
	c, err := b.startCaddy(ctx, fronted("{provider}")+fmt.Sprintf(strangersSite, local(j.Address)))
	if err != nil {
		return err
	}
	defer c.stop()
	came := make(chan struct{})
	var r result
	go func() {
		defer close(came)
		r, err = b.load.run(j)
	}()
	if !middle {
		profiled := b.profile(c, "crowd-"+strings.NewReplacer(" ", "-", ",", "").Replace(what))
		<-came
		profiled()
		if err != nil {
			return fmt.Errorf("%s: %w\n%s", what, err, c.said())
		}
		b.atMost("not answered, "+what, []float64{float64(crowdSize - r.Done - r.Other)}, 0, "", fmt.Sprintf("of %d at once; answers: %s", crowdSize, tally(r.Status)))
		b.info("  till all are answered", []float64{r.Took.Seconds()}, "s", fmt.Sprintf("p50 %.2f s", r.P50.Seconds()))
	} else if err := b.untilSomebodyCame(came); err != nil {
		return err
	}
	began := time.Now()
	c.stop()
	took := []float64{time.Since(began).Seconds()}
	<-came
	if !middle {
		b.atMost("  told to stop after it", took, patience.Seconds(), "s", "")
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	b.atMost("  told to stop in the middle of it", took, patience.Seconds(), "s",
		fmt.Sprintf("%d were answered, %d cut off", r.Done+r.Other, crowdSize-r.Done-r.Other))
	return nil
}

// untilSomebodyCame waits until provider or shop has heard of the crowd: all are
// connected then.
func (b *bench) untilSomebodyCame(came <-chan struct{}) error {
	first, err := b.counts()
	for now := first; err == nil && now == first; now, err = b.counts() {
		select {
		case <-came:
			return nil
		case <-time.After(10 * time.Millisecond):
		}
	}
	return err
}
