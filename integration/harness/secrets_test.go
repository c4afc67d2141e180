package harness

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"
)

// A search that finds nothing proves something only if it would find it.
func TestLeaksAreFound(t *testing.T) {
	hash, err := hex.DecodeString(PANHash())
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{
		"as it is":            `{"api_key":"` + APIKey + `"}`,
		"in capitals":         strings.ToUpper(APIKey),
		"without hyphens":     strings.ReplaceAll(APIKey, "-", ""),
		"escaped":             url.QueryEscape(MerchantID),
		"base64":              base64.StdEncoding.EncodeToString([]byte("anna:" + DashboardPassword)),
		"base64, shifted":     base64.StdEncoding.EncodeToString([]byte("ab:" + DashboardPassword + "!")),
		"base64, shifted two": base64.RawURLEncoding.EncodeToString([]byte("abcd" + StoreToken + "?")),
		"hex":                 hex.EncodeToString([]byte(Secret)),
		"a whole card":        "paid with " + PAN + ".",
		"the hash, packed":    "\x01" + string(hash),
		"the hash, capitals":  strings.ToUpper(PANHash()),
	} {
		if found := leaks([]byte("before "+text+" after"), nil); len(found) == 0 {
			t.Errorf("%s: nothing is found", what)
		} else if strings.Contains(strings.Join(found, " "), text) {
			t.Errorf("%s: it is told again: %s", what, found)
		}
	}
	if found := leaks([]byte("603799******6455, 064ee72930404724974761b0b41e9e49"), nil); len(found) != 0 {
		t.Errorf("found in nothing: %s", found)
	}
}
