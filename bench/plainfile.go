package main

import (
	"errors"
	"fmt"
	"os"
)

// plainSize is what a plainFile takes of the disk before it begins anew.
const plainSize = 64 << 20

// plainFile is the least that keeps anything: bytes behind bytes in a file whose
// blocks exist already, one fdatasync for all who wait. It has no index, no sums
// and no way to read them again, so no ledger can be faster on the same disk.
type plainFile struct {
	file *os.File
	todo chan plainWrite
	done chan struct{}
}

type plainWrite struct {
	bytes []byte
	err   chan error
}

func openPlainFile(path string) (*plainFile, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	// Written once, so that what is measured changes no block's state.
	for range plainSize >> 20 {
		if _, err := f.Write(make([]byte, 1<<20)); err != nil {
			return nil, errors.Join(err, f.Close())
		}
	}
	if err := f.Sync(); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	p := &plainFile{file: f, todo: make(chan plainWrite, 1024), done: make(chan struct{})}
	go p.run()
	return p, nil
}

// write returns when b is on the disk.
func (p *plainFile) write(_, b []byte) error {
	w := plainWrite{b, make(chan error, 1)}
	p.todo <- w
	return <-w.err
}

func (p *plainFile) run() {
	defer close(p.done)
	var joined []byte
	var waiting []plainWrite
	at := int64(0)
	for w := range p.todo {
		joined, waiting = append(joined[:0], w.bytes...), append(waiting[:0], w)
		for more := true; more; {
			select {
			case w, ok := <-p.todo:
				if more = ok; ok {
					joined, waiting = append(joined, w.bytes...), append(waiting, w)
				}
			default:
				more = false
			}
		}
		if at+int64(len(joined)) > plainSize {
			at = 0
		}
		_, err := p.file.WriteAt(joined, at)
		at += int64(len(joined))
		if err == nil {
			err = syncData(p.file)
		}
		for _, w := range waiting {
			w.err <- err
		}
	}
}

// Close waits for what is being written.
func (p *plainFile) Close() error {
	close(p.todo)
	<-p.done
	if err := p.file.Close(); err != nil {
		return fmt.Errorf("closing a plain file: %w", err)
	}
	return nil
}
