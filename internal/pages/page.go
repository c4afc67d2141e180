// Package pages writes every answer of our own: pages in Persian and English for people,
// and problem details (RFC 9457) for programs.
//
// It promises that no text of a provider appears in them, that nothing of the request is
// repeated except escaped form fields, and that no answer tells a stranger whether an
// order exists.
package pages

import (
	"time"

	"github.com/rahgir/caddy-payments/internal/lang"
	"github.com/rahgir/caddy-payments/payment"
)

// Page is one answer. Kind alone is enough for a complete one.
type Page struct {
	Kind Kind
	// Status replaces the kind's own; zero keeps it.
	Status int
	// Lang replaces what the request asks for.
	Lang lang.Lang
	// Ref is what customer and shop talk about; empty if nothing was
	// recorded.
	Ref payment.Ref
	// Test marks the provider's sandbox: no money moves.
	Test bool
	// Refunds is whether the provider's document says that money which is not
	// verified goes back to the payer. Without it no page promises that.
	Refunds bool
	// Recorded is whether the payment is safe with us, so that the customer may
	// close a Confirming page.
	Recorded bool

	// Since is how long its customer has waited (Confirming).
	Since time.Duration
	// Theme is the shop's own; nil is none.
	Theme *Theme
	// Assets is the path below which browsers find [FontPath] and [LangPath]: what a
	// proxy or a `handle_path` takes off before the site sees it.
	Assets string

	// Title and Amount are of the product (Checkout). Titles go before Title in their
	// language.
	Title  string
	Titles lang.Text
	Amount payment.Rials
	// Picture is the product's: a path of this site or an https address.
	Picture string
	// Each is the price of one where several may be bought; Amount is of Quantity, and
	// MostPieces bounds it. The form then has the field [QuantityField].
	Each                 payment.Rials
	Quantity, MostPieces int
	// Inputs are what the buyer is asked for, and Gateways what there is to choose.
	Inputs   []Input
	Gateways []Gateway
	// Rows are the lines of a receipt.
	Rows []Row
	// Link is an address that the page shows to be copied (Receipt).
	Link string
	// Receipts is where the receipts of this checkout are found again.
	Receipts string
	// Min and Max, if set, let the buyer name the sum (donations); the form
	// then has the field [AmountField].
	Min, Max payment.Rials
	// Bought is whether this browser has bought it already (Checkout).
	Bought bool
	// Wrong is why the form is shown again.
	Wrong Wrong

	// Address is the path on this site that shows a Thanks, Duplicate or Parked page again.
	// Invariant: the browser's address then keeps nothing else of the return. People print
	// it and send it to each other.
	Address string
	// Refresh is the path on this site that Confirming, Busy and Unavailable
	// ask again, by GET.
	Refresh string
	// After is how long until then, and the Retry-After; zero is the kind's own.
	After time.Duration
	// Action and Fields make a form that is posted to a path of this site: the
	// bounce, a Confirming page of which nothing was recorded (both submit
	// themselves), the checkout. ToBank alone posts to another site, by itself: its
	// Action is absolute.
	Action string
	Fields []Field

	// Retry is where a customer may pay again (Declined).
	Retry string
	// Offers are what can be bought (NeedPayment).
	Offers []Offer
	// ShopURL is where the shop is.
	ShopURL string
}

// Field is a hidden field of a form.
type Field struct{ Name, Value string }

// Offer is something that can be bought.
type Offer struct {
	Title string
	// Titles go before Title in their language.
	Titles lang.Text
	Amount payment.Rials
	URL    string
}

// Input is a field that the buyer fills in.
type Input struct {
	// Name is one of the Input… constants, and the field's name in the form.
	Name     string
	Value    string
	Required bool
	// Wrong is why it is asked again.
	Wrong Wrong
}

// What is asked for.
const (
	InputName   = "name"
	InputMobile = "mobile"
	InputEmail  = "email"
	InputNumber = "number" // of an order or a payment
)

// Gateway is a payment service to choose.
type Gateway struct {
	// Value is what the form sends, Name what people call it.
	Value  string
	Name   lang.Text
	Chosen bool
	// Down: it starts no payments now.
	Down bool
}

// Row is a line of a receipt.
type Row struct{ Label, Value lang.Text }

// The fields of a checkout's form beside the buyer's.
const (
	QuantityField = "quantity"
	GatewayField  = "gateway"
	// PriceField is the price in rials that the buyer saw: where it is another than the
	// item's, the page is shown again.
	PriceField = "price"
	// TotalField is set by the button that shows what all pieces cost.
	TotalField = "total"
)

// AmountField is the field in which the buyer names a sum. It is in toman,
// which is what people count in, and its name says so.
const AmountField = "toman"

// Wrong is why a checkout form is shown again.
type Wrong string

// The reasons.
const (
	// WrongAmount: not an amount.
	WrongAmount Wrong = "amount"
	// WrongBounds: too little or too much.
	WrongBounds Wrong = "bounds"
	// WrongProvider: the payment could not be started; nothing was paid.
	WrongProvider Wrong = "provider"
	// WrongGateway: that gateway does not start payments now; another one does.
	WrongGateway Wrong = "gateway"
	// WrongChoice: no gateway of this checkout has that name.
	WrongChoice Wrong = "choice"
	// WrongPrice: the price is another than the buyer saw.
	WrongPrice Wrong = "price"
	// WrongQuantity: not a number of pieces that may be bought.
	WrongQuantity Wrong = "quantity"
	// WrongName, WrongMobile and WrongEmail: a field of the buyer's can't be used.
	WrongName   Wrong = "name"
	WrongMobile Wrong = "mobile"
	WrongEmail  Wrong = "email"
	// WrongForm: the form can't be read.
	WrongForm Wrong = "form"
	// WrongReceipt: no receipt has this number and this mobile.
	WrongReceipt Wrong = "receipt"
)
