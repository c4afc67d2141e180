package app_test

import (
	"slices"
	"testing"
)

// A site that keeps browsers silent sends its customers to Vandar in vain: that is said when
// the site starts, whoever starts the payments.
func TestDoctorSeesAMissingReferrer(t *testing.T) {
	t.Setenv("KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	const observe = "observe /back vandar {\npaid_when redirect /paid\n}"
	for name, c := range map[string]struct {
		route, header string
		want          []string
	}{
		"none":                     {observe, "", nil},
		"no-referrer":              {observe, "header Referrer-Policy no-referrer", []string{"referrer"}},
		"in capitals":              {observe, "header referrer-policy No-Referrer", []string{"referrer"}},
		"added":                    {observe, "header +Referrer-Policy no-referrer", []string{"referrer"}},
		"same-origin":              {observe, "header Referrer-Policy same-origin", []string{"referrer"}},
		"twice":                    {observe, "header Referrer-Policy no-referrer\nheader /x Referrer-Policy no-referrer", []string{"referrer"}},
		"the last of several":      {observe, `header Referrer-Policy "strict-origin, no-referrer"`, []string{"referrer"}},
		"one that says it":         {observe, "header Referrer-Policy strict-origin-when-cross-origin", nil},
		"the last says it":         {observe, `header Referrer-Policy "no-referrer, strict-origin"`, nil},
		"taken away":               {observe, "header -Referrer-Policy", nil},
		"another header":           {observe, "header X-Policy no-referrer", nil},
		"relayed":                  {"relay /-/pay/secret vandar", "header Referrer-Policy no-referrer", []string{"referrer"}},
		"a gateway that asks none": {"observe /back idpay {\npaid_when redirect /paid\n}", "header Referrer-Policy no-referrer", nil},
	} {
		t.Run(name, func(t *testing.T) {
			ours, http := provisioned(t, "{\npayments {\nprovider vandar {\napi_key {env.KEY}\n}\nprovider idpay {\napi_key {env.KEY}\n}\n}\n}\nhttp://a.test {\n"+c.header+"\npayments {\n"+c.route+"\n}\nreverse_proxy 127.0.0.1:9000\n}\n")
			findings, err := ours.Sites().Place(http)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, f.Code)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
