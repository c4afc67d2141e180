package explain

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// Facts are what an explanation needs besides the record. The zero value is
// right where nothing more is known.
type Facts struct {
	// Now is the time that ages are counted to.
	Now time.Time
	// GivesBack and Window are the provider's traits of these names.
	GivesBack bool
	Window    time.Duration
	// OrderTaken: another payment has paid this order; OrdersMany: the site
	// allows that. ReceiptTaken: the receipt belongs to another payment.
	OrderTaken, OrdersMany, ReceiptTaken bool
	// Handing: the shop is being told of it just now.
	Handing bool
}

// Amount is a sum in both units.
type Amount struct {
	Rials int64  `json:"rials"`
	Rial  string `json:"rial"`
	Toman string `json:"toman"`
}

// Field is something to look up or to type into the provider's panel.
type Field struct {
	Label string `json:"label"`
	Value string `json:"value"`
	// Panel marks what the provider's panel is searched with.
	Panel bool `json:"panel,omitempty"`
}

// Explanation is what a person needs to decide.
type Explanation struct {
	Lang  lang.Lang `json:"lang"`
	State string    `json:"state"`
	// Money answers "is the money with me?", MoneyText in a sentence.
	Money     Money  `json:"money"`
	MoneyText string `json:"money_text"`
	// Why is one sentence; Next says what to do.
	Why  string `json:"why"`
	Next string `json:"next,omitempty"`
	// Asked is what should have been paid, Found what the provider says; nil
	// if not known.
	Asked *Amount `json:"asked,omitempty"`
	Found *Amount `json:"found,omitempty"`
	// Slip names a rial/toman mistake.
	Slip string `json:"slip,omitempty"`
	// Deadline says until when something must be done; DeadlineAt is that time,
	// zero if there is none.
	Deadline   string    `json:"deadline,omitempty"`
	DeadlineAt time.Time `json:"deadline_at,omitzero"`
	// Conversion says where the report to the affiliate network stands.
	Conversion string     `json:"conversion,omitempty"`
	Fields     []Field    `json:"fields"`
	Decisions  []Decision `json:"decisions"`
}

// Of explains a record.
func Of(r *payment.Record, f Facts, l lang.Lang) Explanation {
	m := moneyOf(r, f)
	e := Explanation{
		Lang: l, State: StateName(r.State, l),
		Money: m.money, MoneyText: m.In(l),
		Why: why(r, l), Next: next(r, l),
		Conversion: conversion(r, l),
		Fields:     fields(r, l),
		Decisions:  decisions(r, f, l),
	}
	if r.Environment == "sandbox" {
		e.MoneyText = noRealMoney.In(l) + e.MoneyText
	}
	e.Asked = amount(r.Expect.Amount, l)
	if r.Receipt != nil {
		e.Found = amount(r.Receipt.Amount, l)
		e.Slip = slip(r.Expect.Amount, r.Receipt.Amount, l)
	}
	e.DeadlineAt, e.Deadline = deadline(r, f, m.money, l)
	return e
}

func amount(a payment.Rials, l lang.Lang) *Amount {
	if a == 0 {
		return nil
	}
	return &Amount{Rials: int64(a), Rial: lang.Rial(a, l), Toman: lang.Toman(a, l)}
}

func slip(asked, found payment.Rials, l lang.Lang) string {
	switch factor := payment.Slip(asked, found); {
	case factor == 0:
		return ""
	case factor != int64(payment.Toman):
		return fmt.Sprintf(lang.Text{"One amount is exactly %s times the other: the shop and the provider count in different units.",
			"یکی از دو مبلغ درست %s برابر دیگری است: فروشگاه و درگاه واحدهای متفاوتی دارند."}.In(l), lang.Number(payment.Rials(factor).Grouped(), l))
	case found > asked:
		return lang.Text{"Ten times too much was paid: probably the shop names the order's amount in toman where rial is meant, or told the provider rial where it counts toman.",
			"ده برابر پرداخت شده است: احتمالاً فروشگاه مبلغ سفارش را به جای ریال به تومان گفته، یا به درگاهی که تومان می‌شمارد ریال داده است."}.In(l)
	}
	return lang.Text{"Only a tenth was paid: probably the shop told the provider toman where it counts rial, or names the order's amount in rial where toman is meant.",
		"فقط یک‌دهم پرداخت شده است: احتمالاً فروشگاه به درگاهی که ریال می‌شمارد تومان داده، یا مبلغ سفارش را به جای تومان به ریال گفته است."}.In(l)
}

// Card makes sure that at most ten digits of a card are shown, whatever a
// provider sent.
func Card(s string) string {
	var digits []rune
	for _, c := range payment.ASCIIDigits(s) {
		if c >= '0' && c <= '9' {
			digits = append(digits, c)
		}
	}
	if len(digits) <= 10 {
		return s
	}
	return string(digits[:6]) + strings.Repeat("*", len(digits)-10) + string(digits[len(digits)-4:])
}

func fields(r *payment.Record, l lang.Lang) []Field {
	var fs []Field
	add := func(label lang.Text, value string, panel bool) {
		if value != "" {
			fs = append(fs, Field{label.In(l), value, panel})
		}
	}
	rc := cmp.Or(r.Receipt, &payment.Receipt{})
	add(lang.Text{"order", "سفارش"}, r.Order, false)
	add(lang.Text{"provider", "درگاه"}, r.Provider, false)
	add(lang.Text{"provider's id", "شناسهٔ پرداخت در درگاه"}, r.ID, true)
	add(lang.Text{"provider's receipt number", "شمارهٔ رسید درگاه"}, rc.Number, true)
	add(lang.Text{"bank reference", "شمارهٔ ارجاع بانک"}, rc.Reference, true)
	if rc.Order != r.Order {
		add(lang.Text{"order in the receipt", "سفارش در رسید"}, rc.Order, true)
	}
	if rc.ID != r.ID {
		add(lang.Text{"id in the receipt", "شناسه در رسید"}, rc.ID, true)
	}
	add(lang.Text{"card", "کارت"}, Card(rc.Card), false)
	if rc.Paid != 0 && rc.Paid != rc.Amount {
		add(lang.Text{"paid by the customer", "پرداختی مشتری"}, lang.Toman(rc.Paid, l), false)
	}
	if rc.Fee != 0 {
		add(lang.Text{"fee", "کارمزد"}, lang.Toman(rc.Fee, l), false)
	}
	add(lang.Text{"paid at", "زمان پرداخت"}, lang.When(rc.PaidAt, l), false)
	add(lang.Text{"settled at", "زمان تأیید"}, lang.When(rc.VerifiedAt, l), false)
	add(lang.Text{"started at", "زمان شروع"}, lang.When(r.CreatedAt, l), false)
	add(lang.Text{"provider's code", "کد درگاه"}, r.Code, true)
	add(lang.Text{"site", "سایت"}, r.Site, false)
	add(lang.Text{"item", "کالا"}, strings.TrimSpace(r.Expect.Title+" "+r.Expect.Item), false)
	if n := r.Expect.Quantity; n > 1 {
		add(lang.Text{"quantity", "تعداد"}, lang.Digits(strconv.Itoa(n), l), false)
	}
	add(lang.Text{"buyer's name", "نام خریدار"}, r.Buyer.Name, false)
	add(lang.Text{"buyer's mobile", "موبایل خریدار"}, r.Buyer.Mobile, false)
	add(lang.Text{"buyer's e-mail", "ایمیل خریدار"}, r.Buyer.Email, false)
	add(lang.Text{"our reference", "شناسهٔ پرداخت"}, string(r.Ref), false)
	return fs
}
