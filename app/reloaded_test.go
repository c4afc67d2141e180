package app_test

import (
	"errors"
	"io"
	"net/http"
)

// afterReload asks each time by a new connection, and once more where that is closed without an
// answer: Go's server does so to one that it accepted just before it was shut down, as the old one
// is by a reload.
type afterReload struct{ http.Transport }

func (a *afterReload) RoundTrip(r *http.Request) (*http.Response, error) {
	a.DisableKeepAlives = true
	res, err := a.Transport.RoundTrip(r)
	if !errors.Is(err, io.EOF) {
		return res, err
	}
	if r.GetBody != nil {
		if r.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	return a.Transport.RoundTrip(r)
}
