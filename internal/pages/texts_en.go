package pages

import (
	"cmp"

	"github.com/rahgir/caddy-payments/internal/lang"
)

var englishWords = words{
	Name: "English", Ref: "Payment number", Amount: "Amount in toman", Toman: "toman", Rial: "rials",
	Test: "Test mode: no money moves",
	Go:   "Continue", Check: "Check again", Pay: "Pay", Donate: "Continue to payment",
	Help: "Questions?", Seconds: "Waiting for %s seconds", Minutes: "Waiting for %s minutes",
	Each: "%s toman each", Quantity: "How many", Pieces: "From 1 to %s", Total: "Show the total",
	With: "Pay with", Down: "does not answer at the moment", Optional: "optional",
	Find: "Find the receipt", Open: "Open on this device", Link: "To open it on another device, go to this address there:", Receipts: "Find an earlier receipt",
	Input: map[string]string{
		InputName: "Your name", InputMobile: "Mobile number", InputEmail: "E-mail address", InputNumber: "Order or payment number",
	},
	Retry: "Pay again", Back: "Back to the shop", Bounds: "From %s to %s toman",
	Wrong: map[Wrong]string{
		WrongAmount:   "Please write the amount in digits only.",
		WrongBounds:   "That amount is outside the limits.",
		WrongProvider: "The payment service does not answer right now. You have not been charged; please try again in a while.",
		WrongGateway:  "The payment service that you chose does not answer right now. You have not been charged. Another one is chosen below: press Pay to use it.",
		WrongChoice:   "This shop doesn't offer the payment service that was chosen. You have not been charged. Please choose again and press Pay.",
		WrongPrice:    "The price has changed since you opened this page. Look at it again before you pay.",
		WrongQuantity: "Please choose a number of pieces that is offered.",
		WrongName:     "Please write your name, with at most 80 letters.",
		WrongMobile:   "Please write an Iranian mobile number, such as 09121234567.",
		WrongEmail:    "Please write one e-mail address, such as name@example.com.",
		WrongForm:     "The form could not be read. Please fill it in again.",
		WrongReceipt:  "No paid order has this number and this mobile number. Please check both.",
	},
}

const enDont = "Please do not pay again."

// english gives a page's text in English.
func english(p *Page) text {
	switch p.Kind {
	case Declined:
		if p.Refunds {
			return text{"The payment did not go through", []string{
				"If money has left your account, it usually comes back to the same card within 72 hours, by itself.",
			}, "You may pay again."}
		}
		return text{"The payment did not go through", []string{
			"If money has left your account, please contact the shop before you do anything else.",
		}, "If you were not charged, you may pay again."}
	case Cancelled:
		said := text{"The payment was cancelled", []string{"You came back from the bank without paying."}, "You may pay again whenever you like."}
		if p.Refunds {
			said.Text = append(said.Text, "If money has left your account all the same, it usually comes back to the same card within 72 hours, by itself.")
		} else {
			said.Text = append(said.Text, "If money has left your account all the same, please contact the shop before you pay again.")
		}
		return said
	case Confirming:
		if !p.Recorded {
			return text{"Your payment is being confirmed", []string{
				"Please keep this page open; it will ask again by itself in a moment.",
			}, enDont}
		}
		return text{"Your payment is being confirmed", []string{
			"This page refreshes itself. You may close it: the work goes on without it.",
		}, enDont}
	case Parked:
		return text{"You have paid", []string{
			"The shop has not confirmed your order yet. If you hear nothing within a few hours, contact the shop" + p.by(" with this payment number") + ".",
		}, enDont}
	case Thanks:
		said := text{"Thank you, your payment is complete", []string{
			"The shop has your order." + p.by(" Keep the payment number in case you want to ask about it."),
		}, ""}
		if p.title(lang.EN) != "" {
			said.Text = append([]string{"You have bought: " + p.title(lang.EN) + pieces(lang.EN, p.Quantity)}, said.Text...)
		}
		return said
	case Duplicate:
		return text{"This payment is already settled", []string{
			"It went through and the shop has been told. There is nothing left to do.",
		}, enDont}
	case Bounce:
		return text{"Taking you back to the shop", []string{
			"If nothing happens, press the button.",
		}, enDont}
	case Review:
		return text{"Your payment is being looked at", []string{
			"The shop has to check this payment. " + cmp.Or(p.by("Keep the payment number and ask the shop with it."), "Please ask the shop about it."),
		}, enDont}
	case NotTaken:
		said := text{"This payment was not accepted", nil, "Please do not pay again before the shop has answered."}
		if p.Refunds {
			said.Text = []string{
				"The money was not taken for good and usually comes back to your card within 72 hours.",
				"To go on with the order, ask the shop" + p.by(" with this payment number") + ".",
			}
		} else {
			said.Text = []string{"The shop has to check it. If money has left your account and does not come back, contact the shop" + p.by(" with this payment number") + "."}
		}
		return said
	case OrderPaid:
		said := text{"This order is already paid", nil, enDont}
		if p.Refunds {
			said.Text = []string{"Your second payment was not taken for good and usually comes back to your card within 72 hours."}
		} else {
			said.Text = []string{"A second payment for this order was not accepted. If money has left your account and does not come back, contact the shop" + p.by(" with this payment number") + "."}
		}
		return said
	case Malformed:
		return text{"This return is not valid", []string{
			"The address of this page is incomplete or was changed. If you have paid, please contact the shop.",
		}, "If you have paid, do not pay again."}
	case Busy:
		return text{"One moment, please", []string{
			"Many requests are coming from this network. Please refresh this page in a little while.",
		}, "If you have paid, do not pay again."}
	case Unavailable:
		return text{"One moment, please", []string{
			"Your answer is not ready yet. Please refresh this page in a little while.",
		}, "If you have paid, do not pay again."}
	case NotStarted:
		return text{"The payment was not started", []string{
			"Nothing was paid. The shop can't take a payment at this moment.",
		}, "Please go back and try again in a little while."}
	case NotFound:
		return text{"This page was not found", []string{
			"Please check the address or go back to the shop.",
		}, ""}
	case Checkout:
		said := text{Title: p.title(lang.EN), Text: []string{
			"You are going to the bank's page. After paying, press its button that leads back to the shop.",
		}}
		if said.Title == "" {
			said.Title = "Payment"
		}
		if p.Bought {
			said.Text = append([]string{"You have bought this before, in this browser. Pay only if you want it once more."}, said.Text...)
		}
		return said
	case ToBank:
		return text{"Taking you to the bank", []string{
			"If nothing happens, press the button. After paying, press the bank's button that leads back to the shop.",
		}, ""}
	case FindReceipt:
		return text{"Find your receipt", []string{
			"Write the number of your order or payment, and the mobile number that you gave when you paid.",
		}, ""}
	case Receipt:
		return text{"Your receipt", []string{"This order is paid."}, ""}
	case OpenHere:
		return text{"Open your purchase on this device", []string{
			"You have followed a link to something that was bought: " + p.title(lang.EN) + ". Press the button to open it in this browser; it then counts as one of the purchase's devices.",
		}, ""}
	case LinkOver:
		return text{"This link opens nothing any more", []string{
			"It has expired, or the payment was given back. Open the receipt again for a new link, or ask the shop.",
		}, enDont}
	case NeedPayment:
		return text{"This part is for sale", []string{
			"If you have bought it already, open it in the same browser; there is no need to pay again.",
		}, ""}
	case DevicesExceeded:
		return text{"Opened on too many devices", []string{
			"This purchase was opened on too many devices. Please use one of the earlier ones or contact the shop.",
		}, enDont}
	}
	return text{}
}
