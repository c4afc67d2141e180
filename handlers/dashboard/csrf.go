package dashboard

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// A decision must come from one of our forms, filled in by the person it was
// shown to: the browser says that the request is of the same origin, and the
// form brings a token that only we can make, for this person and this payment.

// formLife is how long a form may lie open.
const formLife = 12 * time.Hour

var (
	errForeign = errors.New("the request comes from another site")
	errForm    = errors.New("the form is too old or not for this person")
)

// sameOrigin believes the browser's own headers, one of which every browser
// sends with a form. A request without them is not from one of our forms.
func sameOrigin(r *http.Request) error {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" {
		if site != "same-origin" {
			return errForeign
		}
		return nil
	}
	u, err := url.Parse(r.Header.Get("Origin"))
	if err != nil || u.Host == "" || !strings.EqualFold(u.Host, r.Host) {
		return errForeign
	}
	return nil
}

// asked is the payment that a form is about, and the key of the forms.
func (p *page) asked(ref string) (*payment.Record, []byte, error) {
	rec, err := p.find(ref)
	if err != nil {
		return nil, nil, err
	}
	key, err := formKey(p.r.Context(), p.engine)
	return rec, key, err
}

// formKey is the store's, so that a reload or another node knows a form again.
func formKey(ctx context.Context, e *engine.Engine) ([]byte, error) {
	key, err := e.Store.Secret(ctx, "dashboard-form", func() ([]byte, error) {
		b := make([]byte, 32)
		_, err := rand.Read(b)
		return b, err
	})
	if err != nil {
		return nil, fmt.Errorf("reading the form key: %w", err)
	}
	return key, nil
}

func formToken(key []byte, user string, ref payment.Ref, expires time.Time) string {
	b := binary.BigEndian.AppendUint64(nil, uint64(expires.Unix()))
	m := hmac.New(sha256.New, key)
	fmt.Fprintf(m, "dashboard-form-v1\n%d\n%s\n%d:%s", expires.Unix(), ref, len(user), user)
	return base64.RawURLEncoding.EncodeToString(m.Sum(b))
}

func checkToken(key []byte, user string, ref payment.Ref, now time.Time, token string) error {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 8+sha256.Size {
		return errForm
	}
	expires := time.Unix(int64(binary.BigEndian.Uint64(b)), 0)
	if !hmac.Equal([]byte(formToken(key, user, ref, expires)), []byte(token)) || !now.Before(expires) {
		return errForm
	}
	return nil
}
