package sandbox

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"
)

// ProviderHamekar is Hamekar's name in the sandbox.
const ProviderHamekar = "hamekar"

func init() {
	register(gateway{
		name: ProviderHamekar, fa: "همه‌کار / لینکاپ", en: "Hamekar / Linkap",
		serve: (*Server).serveHamekar,
		fail:  hamekarError,
	})
}

// serveHamekar takes the conversions that shops report, and shows them.
func (s *Server) serveHamekar(w http.ResponseWriter, r *http.Request, seg []string) {
	if len(seg) == 0 {
		s.serveHamekarPage(w, r)
		return
	}
	if strings.Join(seg, "/") != "customer/callback" {
		notFound(w)
		return
	}
	body, ok := readPost(w, r)
	if !ok {
		return
	}
	fields := readObject(r, body)
	// The document types track_id as a string and status as an integer; a
	// client that swaps them should hear of it here first.
	track, _ := fields["track_id"].(string)
	status, _ := fields["status"].(json.Number)
	s.serveCall(w, r, call{
		provider: ProviderHamekar,
		op:       OpConversion,
		subject:  track,
		exec: func() answer {
			return s.convert(r, body, track, status.String())
		},
	})
}

// convert judges one report and writes it into the ledger.
func (s *Server) convert(r *http.Request, body []byte, track, status string) answer {
	now := s.st.clock()
	seen := Conversion{Time: now, TrackID: track, Headers: maskedHeaders(r.Header), Body: clip(string(body), 4096)}
	var ans answer
	switch {
	case !accepts(r.Header.Get("X-Store-Token"), s.opts.StoreTokens):
		ans, seen.Result = hamekarError("401"), "unauthorized"
	case track == "" || status != "1" || !s.knowsTrack(track):
		ans, seen.Result = hamekarError("422"), "refused"
	default:
		seen.Result = "accepted"
		t := s.st.tracks[track]
		if t == nil {
			t = &Track{First: now}
			s.st.tracks[track] = t
		} else {
			// A repeat is not documented: it is accepted again, and the
			// ledger tells.
			seen.Result = "repeat"
		}
		t.Count++
		t.Last = now
		ans = reply(http.StatusAccepted, object{
			{"data", object{{"message", "با موفقیت ثبت شد."}}},
			{"success", true},
		})
	}
	seen.HTTP = ans.status
	if len(s.st.conversions) < maxConversionCalls {
		s.st.conversions = append(s.st.conversions, seen)
	} else {
		s.st.dropped++
	}
	return ans
}

// knowsTrack: the sandbox sends no visitors, so unless it was told which ids
// exist it knows them all, but for those that say themselves that they are bad.
func (s *Server) knowsTrack(track string) bool {
	if known := s.st.settings[ProviderHamekar].KnownTracks; len(known) > 0 {
		return slices.Contains(known, track)
	}
	lower := strings.ToLower(track)
	return !strings.Contains(lower, "unknown") && !strings.Contains(lower, "wrong") && !strings.Contains(lower, "invalid")
}

func hamekarError(code string) answer {
	if code == "401" {
		return reply(http.StatusUnauthorized, object{
			{"data", object{
				{"error_type", "APPUnauthorizedException"},
				{"errors", list{}},
				{"message", "اپلیکیشن دسترسی ندارد!"},
			}},
			{"success", false},
		})
	}
	return reply(http.StatusUnprocessableEntity, object{
		{"data", object{{"message", "خطایی در روند تایید رخ داد."}}},
		{"success", false},
	})
}

// maskedHeaders keeps what a test wants to see and no secret.
func maskedHeaders(h http.Header) map[string]string {
	out := make(map[string]string, len(h))
	for name, values := range h {
		value := strings.Join(values, ", ")
		switch name {
		case "X-Store-Token", "X-Api-Key", "Authorization", "Cookie", "Proxy-Authorization":
			value = mask(value)
		}
		out[name] = clip(value, 512)
	}
	return out
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "") + "…"
}

// Conversion is one report that arrived at Hamekar.
type Conversion struct {
	Time    time.Time         `json:"time"`
	TrackID string            `json:"track_id"`
	Result  string            `json:"result"` // accepted, repeat, refused or unauthorized
	HTTP    int               `json:"http"`
	Headers map[string]string `json:"headers"` // secrets masked
	Body    string            `json:"body"`
}

// Track counts the accepted reports of one track id.
type Track struct {
	Count int       `json:"count"`
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}
