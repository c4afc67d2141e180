package wire

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// What can go wrong with a call. The texts are our own: an error of net/http
// may quote the address, a header or a line of the answer.
var (
	// ErrTimeout: no whole answer within the time-out.
	ErrTimeout = errors.New("no answer within the time-out")
	// ErrCancelled: the caller gave up.
	ErrCancelled = errors.New("the call was cancelled")
	// ErrNoConnection: there was no connection to send anything on.
	ErrNoConnection = errors.New("no connection")
	// ErrBroken: the connection ended before the answer did.
	ErrBroken = errors.New("the connection broke")
	// ErrTooLarge: the body is longer than [MaxBody].
	ErrTooLarge = errors.New("the answer is too large")
	// ErrEncoded: the body is compressed, which nobody asked for.
	ErrEncoded = errors.New("the answer is compressed unasked")
	// ErrStatus: an answer that its HTTP status makes unbelievable.
	ErrStatus = errors.New("unusable HTTP status")
	// ErrRequest: the request could not be made. Nothing was sent.
	ErrRequest = errors.New("the request could not be made")
	// ErrAnswer: readable, but not an answer that the document knows.
	ErrAnswer = errors.New("not an answer that the provider's document knows")
)

// fault turns an error of net/http into one of the above, with a cause that is
// safe to log.
func fault(ctx context.Context, err error, connected bool) error {
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded), errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return ErrTimeout
	case ctx.Err() != nil, errors.Is(err, context.Canceled):
		return ErrCancelled
	}
	kind := ErrBroken
	if !connected {
		kind = ErrNoConnection
	}
	if why := cause(err); why != "" {
		return fmt.Errorf("%w: %s", kind, why)
	}
	return kind
}

func isTimeout(err error) bool {
	var n net.Error
	return errors.As(err, &n) && n.Timeout()
}

func cause(err error) string {
	var (
		dns       *net.DNSError
		errno     syscall.Errno
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		alert     tls.AlertError
		record    tls.RecordHeaderError
		verify    *tls.CertificateVerificationError
	)
	switch {
	case errors.As(err, &dns):
		return "the host's name was not found"
	case errors.As(err, &authority):
		return "TLS: unknown certificate authority"
	case errors.As(err, &host):
		return "TLS: the certificate is for another host"
	case errors.As(err, &invalid):
		return "TLS: the certificate is not valid"
	case errors.As(err, &verify):
		return "TLS: the certificate could not be verified"
	case errors.As(err, &alert):
		return "TLS: " + alert.Error()
	case errors.As(err, &record):
		return "TLS: the other side does not speak it"
	case errors.As(err, &errno):
		return errno.Error()
	}
	return ""
}
