package find

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
)

// Date reads a day of either calendar, in Tehran, or a moment: 2026-03-21, 1405/01/01 (a
// year below 1700 is of the Iranian calendar), 2026-03-21T08:30:00Z, today, yesterday, or
// 30d for so many days ago. end gives the end of a day instead of its beginning.
func Date(text string, now time.Time, end bool) (time.Time, error) {
	s := strings.ToLower(Clean(text))
	if t, err := time.Parse(time.RFC3339, strings.ToUpper(s)); err == nil {
		return t.UTC(), nil
	}
	tehran := lang.Tehran()
	y, m, d := now.In(tehran).Date()
	today := time.Date(y, m, d, 0, 0, 0, 0, tehran)
	day, err := time.Time{}, error(nil)
	switch number, days := strings.CutSuffix(s, "d"); {
	case s == "today" || s == "امروز":
		day = today
	case s == "yesterday" || s == "دیروز":
		day = today.AddDate(0, 0, -1)
	case days:
		n, nerr := strconv.Atoi(number)
		if nerr != nil || n < 0 || n > 36_500 {
			return time.Time{}, fmt.Errorf("%.40q is no number of days: write 30d", text)
		}
		day = today.AddDate(0, 0, -n)
	default:
		day, err = calendarDay(s, tehran)
	}
	if err != nil {
		return time.Time{}, fmt.Errorf("%.40q is no date: write 2026-03-21, 1405/01/01, today, yesterday or 30d", text)
	}
	if end {
		day = day.AddDate(0, 0, 1)
	}
	return day.UTC(), nil
}

func calendarDay(s string, tehran *time.Location) (time.Time, error) {
	parts := strings.FieldsFunc(s, func(r rune) bool { return r == '-' || r == '/' || r == '.' })
	if len(parts) != 3 {
		return time.Time{}, strconv.ErrSyntax
	}
	var n [3]int
	for i, p := range parts {
		var err error
		if n[i], err = strconv.Atoi(p); err != nil || n[i] < 1 {
			return time.Time{}, strconv.ErrSyntax
		}
	}
	if n[0] < 1700 {
		t, ok := lang.FromJalali(lang.Jalali{Year: n[0], Month: n[1], Day: n[2]}, tehran)
		if !ok {
			return t, strconv.ErrRange
		}
		return t, nil
	}
	t := time.Date(n[0], time.Month(n[1]), n[2], 0, 0, 0, 0, tehran)
	if y, m, d := t.Date(); y != n[0] || int(m) != n[1] || d != n[2] || y > 9999 {
		return t, strconv.ErrRange
	}
	return t, nil
}
