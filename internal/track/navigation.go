package track

import (
	"net/http"
	"strings"

	"github.com/rahgir/caddy-payments/internal/params"
)

// TopLevelGET reports whether a person's browser opens a page: not an image or
// a script, not a frame, not a prefetch, not a part of a download. A browser
// that sends no fetch metadata is believed.
func TopLevelGET(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	h := r.Header
	return only(h["Sec-Fetch-Dest"], "document") &&
		only(h["Sec-Fetch-Mode"], "navigate") &&
		!Prefetched(r) &&
		len(h["Range"]) == 0
}

func only(values []string, want string) bool {
	for _, v := range values {
		if v != want {
			return false
		}
	}
	return true
}

// Prefetched reports whether the browser asks ahead of the person. Such a
// request never claims a payment and never counts as a visit.
func Prefetched(r *http.Request) bool {
	h := r.Header
	return fetchedAhead(h["Sec-Purpose"]) || fetchedAhead(h["Purpose"]) ||
		fetchedAhead(h["X-Purpose"]) || fetchedAhead(h["X-Moz"])
}

// fetchedAhead reports whether a purpose header says prefetch, prerender or
// preview.
func fetchedAhead(values []string) bool {
	for _, v := range values {
		if strings.Contains(v, "prefetch") || strings.Contains(v, "prerender") || strings.Contains(v, "preview") {
			return true
		}
	}
	return false
}

// MightCarry is the cheap first look: whether a link's parameter may be in the
// query. It allocates nothing.
func MightCarry(rawQuery, param string) bool {
	return len(rawQuery) > len(param) && strings.Contains(rawQuery, param)
}

// FromGateway reports whether a query is what some payment gateway sends its
// customers back with: it says how a payment went, and which, or names one in
// two ways, as NextPay and the older PayPing do. Their parameters may have any network's name (one gateway's own receipt number is "track_id"),
// and a gateway that is not configured here sends them through us as well.
func FromGateway(rawQuery string) bool {
	if strings.IndexByte(rawQuery, '&') < 0 && strings.IndexByte(rawQuery, '?') < 0 {
		return false // one parameter says one thing
	}
	return params.CarriesOne(rawQuery, references) &&
		(params.CarriesOne(rawQuery, outcomes) || params.CarriesAll(rawQuery, nextpay) || params.CarriesAll(rawQuery, payping))
}

// The names under which gateways say how it went, and what. Case does not count.
var (
	outcomes = []string{
		"status", "success", "resultcode", "rescode", "transaction_status", "payment_status", "np_status", "respcode",
		"state", "responsecode", "errorcode", "result", "result_code",
	}
	references = []string{
		"order_id", "orderid", "authority", "invoice_key", "invoice_id", "invoiceid", "refid", "ref_id", "refnum", "resnum",
		"trans_id", "transid", "transaction_id", "payment_token", "clientrefid", "saleorderid", "salereferenceid", "hashed_card_no",
		"token", "data", "trackid", "tracking_number", "trackingcode", "ref_num", "purchaseid", "terminalno", "request_id", "card_no",
		"reference_number", "payment_uid",
	}
	nextpay = []string{"trans_id", "order_id"}
	payping = []string{"code", "refid"}
)
