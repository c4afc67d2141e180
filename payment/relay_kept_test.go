package payment

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

// The answer that is kept for a shop is in no JSON of a payment: neither `show` nor an
// export has it.
func TestTheKeptAnswerIsInNoJSON(t *testing.T) {
	t.Parallel()
	kept := []byte("what the provider said of a card")
	text, err := json.Marshal(&Record{ID: "K1", Relay: &Relayed{Kept: kept, KeptAt: time.Unix(1_700_000_000, 0), Asked: 1}})
	if err != nil || !strings.Contains(string(text), `"K1"`) {
		t.Fatalf("%s %v", text, err)
	}
	for _, never := range []string{string(kept), base64.StdEncoding.EncodeToString(kept), "2023-11-14"} {
		if strings.Contains(string(text), never) {
			t.Errorf("it has %q: %s", never, text)
		}
	}
}
