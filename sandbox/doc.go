// Package sandbox is a stateful server that speaks the wire protocols of
// Iranian payment providers, bank page included, so that a shop can be built
// and tested without money or merchant accounts. Any client in any language can
// use it: point its base URL here.
//
//	/<gateway>/…  one gateway: its API and its pay page
//	/hamekar/…    Hamekar (Linkap): conversion reports, and a page that shows them
//	/_control/    ledger of truth, faults, clock, settings; JSON, and a page
//
// Each gateway is one file, which registers what it does; README.md lists them.
//
// In Caddy it is the directive payment_sandbox; in a Go test it is an
// http.Handler:
//
//	sb, err := sandbox.New(sandbox.Options{})
//	srv := httptest.NewServer(sb)
//	acted, err := sb.Act(id, sandbox.ActionPay) // what the Pay button does
//
// It answers peers on loopback addresses only, unless told otherwise.
//
// # What is documented and what is chosen
//
// Paths, headers, bodies, types, status codes and error tables follow the
// providers' documents. Where those are silent the sandbox had to choose:
//
//   - IDPay: an id that does not exist, whose order differs, that was made by
//     another key or in the other X-SANDBOX mode is 400/52. After a late verify
//     (405/54) inquiry says status 6. A verify that repeats after the window
//     has closed still says 101. In an inquiry what has not happened yet is "".
//     Cancel and decline return with status 7 and 2.
//   - Sama: create answers like Zarinpal, the pay page is
//     /sama/pg/StartPay/<authority>, the return is Authority and Status=OK|NOK;
//     the first verify's message is "Paid"; an unknown authority is 40131; an
//     amount that is not the payment's is -9 with a validation. No window.
//   - Invoice script: errors are HTTP 200; check can be repeated and says the
//     same; a paid invoice is settled at once; the return is invoice_key and
//     status (0 paid, 202 not). An invoice of another api_key is 200.
//   - Hamekar: a repeated track_id is 202 again, marked as a repeat in the
//     ledger. Every track_id is known but those that contain "unknown", "wrong"
//     or "invalid", unless settings list the known ones.
//   - Keys: unless some are configured any plausible one is taken (IDPay: a
//     UUID); one that contains "wrong" or "invalid" is refused as a bad key.
//   - Go's HTTP server can't send the providers' own reason phrases ("202 OK").
//
// The JSON of /_control is described in README.md beside this file.
package sandbox
