package badger

import (
	"github.com/rahgir/caddy-payments/storage/badger/preflight"
	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Errors of opening a store, beside those of [payment.Store].
var (
	// ErrLocked: another process has the directory open.
	ErrLocked = preflight.ErrLocked
	// ErrFormat: the store, or an entry of it, was written by another version of
	// this module.
	ErrFormat = packed.ErrFormat
	// ErrDamaged: files of the store are not as they were written, and can't be
	// mended from its journal. Nothing was changed.
	ErrDamaged = preflight.ErrDamaged
	// ErrGenerationFile: the file beside the directory that tells a lost or restored
	// store from the one that was closed can't be read or written.
	ErrGenerationFile = generationfile.Err
)
