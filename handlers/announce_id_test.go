package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/rahgir/caddy-payments/engine"
	"github.com/rahgir/caddy-payments/payment"
)

// formed is an account whose ids are K and a digit; returns have the K in capitals.
type formed struct{ branch }

func (formed) ReadID(said string) (string, error) {
	id := strings.ToUpper(said)
	if len(id) != 2 || id[0] != 'K' || id[1] < '0' || id[1] > '9' {
		return "", errors.New("write K and a digit")
	}
	return id, nil
}

// An announced id that the gateway can't have given out is found by no return: with
// `expect intent` its customer isn't sent to pay, and nothing is recorded. One that can be
// written in several ways is recorded as returns are read.
func TestAnAnnouncedIDHasTheGatewaysForm(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{"K1": "K1", "k1": "K1", "K": "", "K12": "", "zz": "", "A00000000000000000000000000000000001": ""} {
		for _, strict := range []bool{true, false} {
			t.Run(fmt.Sprint(said, strict), func(t *testing.T) {
				t.Parallel()
				all, store := shared(t, [][]string{{"a"}}, strict)
				h := all[0]
				h.Verify[0].route.provider.Provider = formed{branch{name: "a"}}
				r := asked(httptest.NewRequest(http.MethodGet, "http://shop.test/pay", nil))
				begin(r, h)
				w := httptest.NewRecorder()
				if err := h.watch(w, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) error {
					w.Header().Set(headerOrder, "101")
					w.Header().Set(headerAmount, "50000")
					w.Header().Set(headerID, said)
					w.WriteHeader(http.StatusOK)
					return nil
				}), "", nil); err != nil {
					t.Fatal(err)
				}
				status := http.StatusOK
				if want == "" && strict {
					status = http.StatusServiceUnavailable
				}
				if w.Code != status {
					t.Errorf("the customer gets %d, not %d", w.Code, status)
				}
				page, err := store.List(t.Context(), payment.Listing{})
				if err != nil {
					t.Fatal(err)
				}
				intents, told := 0, 0
				for _, rec := range page.Records {
					switch {
					case rec.Reason == payment.ReasonUnusable:
						told++
					case rec.ID == want:
						intents++
					}
				}
				if (intents == 1) != (want != "") || (told == 1) != (want == "") {
					t.Errorf("%d intents, %d refusals of %d records", intents, told, len(page.Records))
				}

				s := &Sites{handlers: all, settled: true}
				a, err := s.Announcement(t.Context(), engine.Intent{ID: said, Order: "101", Amount: 50_000})
				if want == "" {
					if err == nil || !strings.Contains(err.Error(), "write K and a digit") || !strings.Contains(err.Error(), said) {
						t.Errorf("a job hears %v", err)
					}
				} else if err != nil || a.ID != want {
					t.Errorf("a job announces %q, %v", a.ID, err)
				}
			})
		}
	}
}
