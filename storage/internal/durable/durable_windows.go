package durable

// Owner is nobody: on Windows what is made in a directory inherits its rights.
type Owner struct{}

// OwnerOf gives nobody.
func OwnerOf(string) (o Owner, other bool) { return o, false }

// Give does nothing.
func (Owner) Give(string) error { return nil }

// GiveAll does nothing.
func (Owner) GiveAll(string) error { return nil }

// Inherit does nothing.
func Inherit(string) error { return nil }

func inheritOld(string, string) error { return nil }

// SyncDir does nothing: Windows has no such thing for directories.
func SyncDir(string) error { return nil }
