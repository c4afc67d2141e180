package providertest

import (
	"errors"

	"github.com/rahgir/caddy-payments/payment"
)

// judgeStarted puts an answer to create into the same terms as the others.
func judgeStarted(started payment.Started, err error) result {
	return result{
		err:      err,
		accepted: err == nil && started.ID != "" && started.PayURL != "",
		refused:  errors.Is(err, payment.ErrRefused) || (err == nil && (started.ID == "" || started.PayURL == "")),
	}
}
