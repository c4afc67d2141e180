//go:build !unix

package pgtest

import "os/exec"

// owner is whoever runs the test: there is no root here to hide from PostgreSQL.
type owner struct{}

func whom() owner { return owner{} }

func (owner) takes(string) error { return nil }

func (owner) runs(*exec.Cmd) {}
