package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/rahgir/caddy-payments/payment"
	"github.com/rahgir/caddy-payments/storage"
	"github.com/rahgir/caddy-payments/storage/internal/generationfile"
	"github.com/rahgir/caddy-payments/storage/internal/packed"
)

// Errors beside those of [payment.Store].
var (
	// ErrUnreachable: the database does not answer. Work goes on by itself when it
	// does again. Until then the store is one that is not open: it is also a
	// payment.ErrClosed.
	ErrUnreachable error = unreachable{}
	// ErrUnknownOutcome: a change was sent and nobody knows what became of it.
	// The record must be read again.
	ErrUnknownOutcome = errors.New("it is not known whether the database took the change")
	// errLeft: the caller's context ended before the database answered.
	errLeft = errors.New("the database did not answer in the caller's time")
	// ErrFormat: the tables were made by another version of this module.
	ErrFormat = packed.ErrFormat
	// ErrCursor is returned for a cursor that this store did not make.
	ErrCursor = errors.New("not a cursor of this listing")
)

type unreachable struct{}

// Error implements error.
func (unreachable) Error() string { return "the database can't be reached" }

// Is implements what [errors.Is] asks.
func (unreachable) Is(target error) bool { return target == payment.ErrClosed }

// RefusedError says why a server is not trusted with money.
type RefusedError struct{ Why string }

// Error implements error.
func (e *RefusedError) Error() string { return "this database is refused: " + e.Why }

// The SQLSTATEs that matter, by what they mean for a statement that got them.
const (
	stateUnique        = "23505"
	stateNoTable       = "42P01"
	stateTableThere    = "42P07"
	stateTypeThere     = "42710" // the same, met a moment later: each table has a type of its name
	stateSerialization = "40001"
	stateDeadlock      = "40P01"
	stateUnknown       = "40003" // "statement completion unknown"
	stateReadOnly      = "25006"
	stateDiskFull      = "53100"
	stateCancelled     = "57014"
	stateLockWait      = "55P03"
)

// fate is what an error says of the statement that got it.
type fate int

const (
	// refused: nothing was written, and trying again would change nothing.
	refused fate = iota
	// collided: nothing was written; it may be tried again at once.
	collided
	// unsent: nothing was written, because the server was not reached.
	unsent
	// lost: the server may have done it or not.
	lost
)

// fateOf reads an error of a statement that was sent on a connection.
func fateOf(err error) fate {
	var pe *pgconn.PgError
	if !errors.As(err, &pe) {
		if pgconn.SafeToRetry(err) {
			return unsent
		}
		return lost
	}
	switch {
	case pe.Code == stateUnknown, strings.HasPrefix(pe.Code, "08"), strings.HasPrefix(pe.Code, "57P"):
		return lost
	case pe.SeverityUnlocalized == "FATAL" || pe.SeverityUnlocalized == "PANIC":
		return lost
	case pe.Code == stateSerialization, pe.Code == stateDeadlock, pe.Code == stateLockWait, pe.Code == stateCancelled:
		return collided
	case pe.Code == stateReadOnly: // it was made a standby under us
		return unsent
	}
	return refused
}

// connected reads an error of getting a connection: nothing was sent. It is
// refused where waiting would not help.
func connected(err error) fate {
	var no *RefusedError
	var pe *pgconn.PgError
	switch {
	case errors.Is(err, storage.ErrMoved), errors.Is(err, storage.ErrReceiving):
		return refused
	case errors.As(err, &no), errors.Is(err, ErrFormat), errors.Is(err, generationfile.Err):
		return refused
	case errors.As(err, &pe):
		switch {
		case pe.Code == stateNoTable:
			return unsent // made anew under us
		case strings.HasPrefix(pe.Code, "28"), strings.HasPrefix(pe.Code, "42"), pe.Code == "3D000", pe.Code == "3F000":
			return refused // password, rights, database, schema
		}
	}
	return unsent
}

func isState(err error, code string) bool {
	var pe *pgconn.PgError
	return errors.As(err, &pe) && pe.Code == code
}

// told returns an error as callers may show it. What pgx says of a connection names
// host, user and database, never the password.
func told(err error) error {
	switch {
	case isState(err, stateDiskFull):
		return fmt.Errorf("%w: %w", payment.ErrFull, err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("%w: no answer in time", ErrUnreachable)
	}
	return err
}
