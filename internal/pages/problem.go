package pages

import (
	"encoding/json"
	"strings"

	"github.com/rahgir/caddy-payments/internal/inert"
	"github.com/rahgir/caddy-payments/payment"
)

// answers is where the documentation explains each kind.
const answers = "https://github.com/rahgir/caddy-payments/blob/main/docs/answers.md#"

// problem is an answer for a program (RFC 9457); kinds that are no problem have
// the same members.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail,omitempty"`
	Instance string `json:"instance,omitempty"`
	// PayAgain is whether the customer should pay again, where the kind says.
	PayAgain *bool `json:"pay_again,omitempty"`
}

// problemOf gives media type and body.
func problemOf(v *view, ref payment.Ref) (mediaType string, body []byte, err error) {
	detail := append([]string(nil), v.Say.Text...)
	for _, s := range [...]string{v.Say.Again, v.Wrong} {
		if s != "" {
			detail = append(detail, s)
		}
	}
	body, err = json.Marshal(problem{
		Type: answers + string(v.kind), Title: v.Say.Title, Status: v.status,
		Detail: strings.Join(detail, " "), Instance: string(ref), PayAgain: v.again,
	})
	return "application/problem+json", append(inert.JSON(body), '\n'), err
}
