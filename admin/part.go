package admin

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// partSuffix ends the names of files that are being written, so that those of runs that
// were killed are known for ours.
const partSuffix = ".payments-part"

// partIdle is for how long nobody has written to a file before it counts as left behind.
const partIdle = time.Hour

// newPart opens a new file, for its owner alone, beside the name that it will get. The
// function removes it under its present name, if it is still there.
//
// Invariant: none of our files is left behind. What ends a run by an error or a signal that can
// be caught removes it, and the next run in the same directory removes those of runs that
// were killed.
func (c *cli) newPart(name string) (f *os.File, remove func(), err error) {
	dir := filepath.Dir(name)
	if old, err := filepath.Glob(filepath.Join(dir, ".*"+partSuffix)); err == nil {
		for _, file := range old {
			st, err := os.Lstat(file)
			if err != nil || !st.Mode().IsRegular() || time.Since(st.ModTime()) < partIdle || os.Remove(file) != nil {
				continue
			}
			fmt.Fprintf(c.err, "an earlier run was cut off; what it left was removed: %s\n", clean(file))
		}
	}
	f, err = os.CreateTemp(dir, "."+filepath.Base(name)+".*"+partSuffix)
	if err != nil {
		return nil, nil, fmt.Errorf("writing %s: %w", name, err)
	}
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	ended := make(chan struct{})
	go func() {
		select {
		case <-ended:
		case sig := <-caught:
			_ = os.Remove(f.Name())
			// Whoever waits for this process should see what ended it.
			signal.Stop(caught)
			if self, err := os.FindProcess(os.Getpid()); err == nil && self.Signal(sig) == nil {
				time.Sleep(time.Second)
			}
			os.Exit(exitFailed)
		}
	}()
	return f, sync.OnceFunc(func() {
		signal.Stop(caught)
		close(ended)
		_ = os.Remove(f.Name())
	}), nil
}
