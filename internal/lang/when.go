package lang

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Jalali is a date of the Iranian calendar.
type Jalali struct{ Year, Month, Day int }

// monthStart is how many days of a common year precede each month.
var monthStart = [...]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334}

// ToJalali converts the date of t in t's own zone. It follows the 33-year
// cycle, which agrees with the astronomical calendar from 1178 to 1633 of the
// Iranian era.
func ToJalali(t time.Time) Jalali {
	y, m, d := t.Date()
	leaps := y
	if m > time.February {
		leaps++
	}
	days := 355666 + 365*y + (leaps+3)/4 - (leaps+99)/100 + (leaps+399)/400 + d + monthStart[m-1]
	j := Jalali{Year: -1595 + 33*(days/12053)}
	days %= 12053
	j.Year += 4 * (days / 1461)
	if days %= 1461; days > 365 {
		j.Year += (days - 1) / 365
		days = (days - 1) % 365
	}
	if days < 186 {
		j.Month, j.Day = 1+days/31, 1+days%31
	} else {
		j.Month, j.Day = 7+(days-186)/30, 1+(days-186)%30
	}
	return j
}

// String returns the date in digits.
func (j Jalali) String() string { return fmt.Sprintf("%04d/%02d/%02d", j.Year, j.Month, j.Day) }

var months = [...]string{
	"فروردین", "اردیبهشت", "خرداد", "تیر", "مرداد", "شهریور", "مهر", "آبان", "آذر", "دی", "بهمن", "اسفند",
}

// Tehran is Iran's time. Without a zone database it is the offset that holds
// since the summer time was given up in 2022.
var Tehran = sync.OnceValue(func() *time.Location {
	if loc, err := time.LoadLocation("Asia/Tehran"); err == nil {
		return loc
	}
	return time.FixedZone("Asia/Tehran", int((3*time.Hour + 30*time.Minute).Seconds()))
})

// When returns a moment as Tehran's clock and the Iranian calendar show it; empty
// for the zero time.
func When(t time.Time, l Lang) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(Tehran())
	j := ToJalali(t)
	if l == FA {
		return Digits(fmt.Sprintf("%d %s %d، ساعت %s", j.Day, months[j.Month-1], j.Year, t.Format("15:04")), FA)
	}
	return fmt.Sprintf("%s Tehran time (%s)", t.Format("2006-01-02 15:04"), j)
}

// WhenExactly is When with the second.
func WhenExactly(t time.Time, l Lang) string {
	minute := t.In(Tehran()).Format("15:04")
	second := t.In(Tehran()).Format("15:04:05")
	return strings.Replace(When(t, l), Digits(minute, l), Digits(second, l), 1)
}

// Age returns how long something took, in the largest fitting unit.
func Age(d time.Duration, l Lang) string {
	n, unit := int(d/time.Second), Text{"s", "ثانیه"}
	switch {
	case d < 0:
		n = 0
	case d >= 48*time.Hour:
		n, unit = int(d/(24*time.Hour)), Text{"d", "روز"}
	case d >= 2*time.Hour:
		n, unit = int(d/time.Hour), Text{"h", "ساعت"}
	case d >= 2*time.Minute:
		n, unit = int(d/time.Minute), Text{"min", "دقیقه"}
	}
	return Digits(fmt.Sprint(n), l) + " " + unit.In(l)
}

// Date returns the Iranian date of a moment in Tehran, in digits; empty for the zero
// time.
func Date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return ToJalali(t.In(Tehran())).String()
}
