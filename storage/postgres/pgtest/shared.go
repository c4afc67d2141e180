package pgtest

import (
	"sync"
	"testing"
)

// Package is the cluster of a test package: started by the first test that
// wants it, ended by Main.
type Package struct {
	// Settings of the cluster.
	Settings []string

	once sync.Once
	c    *Cluster
	err  error
}

// Cluster returns the package's, running.
func (p *Package) Cluster(t testing.TB) *Cluster {
	t.Helper()
	Need(t)
	p.once.Do(func() { p.c, p.err = New(p.Settings...) })
	if p.err != nil {
		t.Fatal(p.err)
	}
	return p.c
}

// Main runs a package's tests and ends its cluster.
func (p *Package) Main(m *testing.M) int {
	defer func() {
		if p.c != nil {
			p.c.Destroy()
		}
	}()
	return m.Run()
}
