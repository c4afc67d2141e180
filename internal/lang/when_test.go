package lang

import (
	"testing"
	"time"
)

func TestJalali(t *testing.T) {
	for in, want := range map[string]string{
		"1979-02-11": "1357/11/22",
		"2000-01-01": "1378/10/11",
		"2000-03-20": "1379/01/01",
		"2016-03-20": "1395/01/01",
		"2017-03-20": "1395/12/30",
		"2017-03-21": "1396/01/01",
		"2020-12-31": "1399/10/11",
		"2021-03-20": "1399/12/30",
		"2021-03-21": "1400/01/01",
		"2024-02-29": "1402/12/10",
		"2024-03-19": "1402/12/29",
		"2024-03-20": "1403/01/01",
		"2025-03-20": "1403/12/30",
		"2025-03-21": "1404/01/01",
		"2025-07-25": "1404/05/03",
		"2025-09-22": "1404/06/31",
		"2025-09-23": "1404/07/01",
		"2026-03-20": "1404/12/29",
		"2026-03-21": "1405/01/01",
		"2029-03-20": "1408/01/01",
		"2030-03-20": "1408/12/30",
	} {
		d, err := time.Parse("2006-01-02", in)
		if err != nil {
			t.Fatal(err)
		}
		if got := ToJalali(d).String(); got != want {
			t.Errorf("%s is %s, want %s", in, got, want)
		}
	}
}

// Every day follows the one before, for 150 years.
func TestJalaliHasNoGaps(t *testing.T) {
	last := ToJalali(time.Date(1950, 1, 1, 0, 0, 0, 0, time.UTC))
	for day := time.Date(1950, 1, 2, 0, 0, 0, 0, time.UTC); day.Year() < 2100; day = day.AddDate(0, 0, 1) {
		j := ToJalali(day)
		next := Jalali{last.Year, last.Month, last.Day + 1}
		month := Jalali{last.Year, last.Month + 1, 1}
		year := Jalali{last.Year + 1, 1, 1}
		if j != next && (j != month || last.Day < 29) && (j != year || last.Month != 12) || j.Day > 31 || j.Month > 12 {
			t.Fatalf("%s: %v follows %v", day.Format("2006-01-02"), j, last)
		}
		last = j
	}
}

func TestWhen(t *testing.T) {
	at := time.Date(2025, 7, 25, 21, 5, 0, 0, time.UTC) // after midnight in Tehran
	if got := When(at, EN); got != "2025-07-26 00:35 Tehran time (1404/05/04)" {
		t.Errorf("%q", got)
	}
	if got := When(at, FA); got != "۴ مرداد ۱۴۰۴، ساعت ۰۰:۳۵" {
		t.Errorf("%q", got)
	}
	if When(time.Time{}, FA) != "" {
		t.Error("the zero time has a text")
	}
	if got := Age(3*time.Hour+time.Minute, FA); got != "۳ ساعت" {
		t.Errorf("%q", got)
	}
	if got := Age(-time.Second, EN); got != "0 s" {
		t.Errorf("%q", got)
	}
}
