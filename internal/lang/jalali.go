package lang

import "time"

// FromJalali returns the beginning of a day of the Iranian calendar; false if there is no
// such day.
func FromJalali(j Jalali, loc *time.Location) (time.Time, bool) {
	if j.Year < 1 || j.Year > 3000 || j.Month < 1 || j.Month > 12 || j.Day < 1 || j.Day > 31 {
		return time.Time{}, false
	}
	days := (j.Month-1)*31 + j.Day - 1
	if j.Month > 7 {
		days -= j.Month - 7
	}
	// Noruz is within a few days of 21 March.
	for shift := -4; shift <= 4; shift++ {
		t := time.Date(j.Year+621, time.March, 21+shift, 0, 0, 0, 0, loc).AddDate(0, 0, days)
		if ToJalali(t) == j {
			return t, true
		}
	}
	return time.Time{}, false
}
