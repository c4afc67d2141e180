package dashboard

import (
	"strconv"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/operate"
	"github.com/rahgir/caddy-payments/payment"
)

// chart is a bar for each day, drawn by the server: what was paid, and what was refused
// on top of it. The same numbers stand in a table beside it, for whoever sees no picture.
type chart struct {
	Width, Height int
	Bars          []bar
	// Top is the number at the upper line.
	Top         string
	First, Last string
	Says        string
}

// bar is one day.
type bar struct {
	X, Width                    int
	PaidY, PaidHeight           int
	RefusedY, RefusedHeight     int
	Day, Paid, Refused, Rate, M string
	Title                       string
}

const (
	chartHeight = 120
	barWidth    = 16
	barStep     = 20
	chartTop    = 4
)

func newChart(days []operate.Day, l lang.Lang) *chart {
	c := &chart{Width: len(days) * barStep, Height: chartHeight + chartTop}
	top := 0
	for _, d := range days {
		top = max(top, d.Paid+d.Refused)
	}
	n := func(i int) string { return lang.Digits(strconv.Itoa(i), l) }
	c.Top = n(top)
	scale := func(i int) int {
		if top == 0 {
			return 0
		}
		height := i * chartHeight / top
		if i > 0 {
			height = max(height, 2) // one payment among thousands is seen, too
		}
		return height
	}
	paid, sum := 0, payment.Rials(0)
	for i, d := range days {
		at := i
		if l == lang.FA {
			at = len(days) - 1 - i // time runs with the script
		}
		b := bar{X: at * barStep, Width: barWidth, Day: dayName(d, l), Paid: n(d.Paid), Refused: n(d.Refused), M: lang.Toman(payment.Rials(d.PaidRials), l), Rate: "–"}
		if d.Rate != nil {
			b.Rate = percent(*d.Rate, l)
		}
		b.PaidHeight, b.RefusedHeight = scale(d.Paid), scale(d.Refused)
		b.PaidY = chartTop + chartHeight - b.PaidHeight
		b.RefusedY = max(0, b.PaidY-b.RefusedHeight)
		b.Title = b.Day + " · " + texts["chart_paid"].In(l) + " " + b.Paid + " · " + texts["chart_refused"].In(l) + " " + b.Refused + " · " + b.M
		c.Bars = append(c.Bars, b)
		paid += d.Paid
		sum += payment.Rials(d.PaidRials)
	}
	if len(days) > 0 {
		c.First, c.Last = dayName(days[0], l), dayName(days[len(days)-1], l)
	}
	c.Says = texts["chart"].In(l) + ": " + n(paid) + " · " + lang.Toman(sum, l)
	return c
}

func dayName(d operate.Day, l lang.Lang) string {
	if l == lang.FA {
		return lang.Digits(d.Jalali, l)
	}
	return d.Date
}
