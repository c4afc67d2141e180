package caddyfile

import (
	"errors"
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/rahgir/caddy-payments/handlers"
	"github.com/rahgir/caddy-payments/internal/block"
	"github.com/rahgir/caddy-payments/internal/catalogue"
	"github.com/rahgir/caddy-payments/internal/quote"
	"github.com/rahgir/caddy-payments/payment"
)

// checkout reads a checkout line and its block.
func (s *siteBlock) checkout(d *caddyfile.Dispenser) error {
	mark := block.Mark(d)
	c := new(handlers.Checkout)
	args := d.RemainingArgs()
	if len(args) < 2 {
		return d.Err("checkout takes a path and a provider, or several of which the buyer chooses: checkout /buy <provider>...")
	}
	c.Path, c.Providers = args[0], args[1:]
	if err := s.checkoutPath(d, c.Path); err != nil {
		return err
	}
	for i, name := range c.Providers {
		if err := s.provider(d, "checkout", name); err != nil {
			return err
		}
		if slices.Contains(c.Providers[:i], name) {
			return d.Errf("checkout %s names %s twice", c.Path, quote.Called("provider", name))
		}
	}
	read := checkoutBlock{c}
	if err := block.Parse(d, "checkout", []block.Option{
		{Name: "item", Many: true, Block: true, Read: read.readItem},
		block.Text("catalogue", &c.Catalogue, func(d *caddyfile.Dispenser, file string) error {
			if err := catalogue.CheckName(file); err != nil {
				return d.WrapErr(err)
			}
			return nil
		}),
		{Name: "quantity", Read: read.readQuantity},
		{Name: "buyer", Many: true, Read: read.readBuyer},
		block.Flag("receipt", &c.Receipt),
		{Name: "donate", Read: read.readDonation},
		block.Text("return", &c.Return, plainPath("return")),
	}); err != nil {
		return err
	}
	switch {
	case len(c.Items) == 0 && c.Donate == nil && c.Catalogue == "":
		return mark.Errf("checkout %s sells nothing: it needs an `item <sku> <amount>`, a `catalogue <file>` or a `donate <min> <max>`", c.Path)
	case c.Receipt && !slices.ContainsFunc(c.Buyer, func(b handlers.BuyerField) bool { return b.Field == "mobile" }):
		return mark.Errf("checkout %s: receipts are found by the buyer's mobile number, so ask for it: buyer mobile required", c.Path)
	}
	s.handler.Checkout = append(s.handler.Checkout, c)
	s.checkoutMarks = append(s.checkoutMarks, mark)
	return nil
}

func (s *siteBlock) checkoutPath(d *caddyfile.Dispenser, path string) error {
	if err := checkPlainPath(d, "checkout", path); err != nil {
		return err
	}
	switch trimmed := strings.TrimRight(path, "/"); trimmed {
	case path:
	case "":
		return d.Err("checkout needs a path of its own, such as /buy")
	default:
		return d.Errf("checkout %s ends with '/': did you mean '%s'?", path, trimmed)
	}
	for i, other := range s.handler.Checkout {
		if strings.EqualFold(other.Path, path) {
			return d.Errf("checkout %s is already specified in line %d", path, s.checkoutMarks[i].Line())
		}
	}
	return nil
}

// checkoutBlock is a checkout line whose block is being read.
type checkoutBlock struct{ *handlers.Checkout }

func (c checkoutBlock) readItem(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	switch {
	case len(args) < 2:
		return d.Err("item takes a sku and an amount: item <sku> <amount> [<title>]")
	case len(args) > 2 && unitAlone(args[2]):
		// As a title it would leave the amount without its unit.
		return oneWord(d, args[1], args[2])
	case len(args) > 3:
		return d.Err("item takes a sku, an amount and one title: put a title of several words in quotes")
	}
	item := handlers.Item{SKU: args[0]}
	if err := sku(d, item.SKU); err != nil {
		return err
	}
	if slices.ContainsFunc(c.Items, func(i handlers.Item) bool { return strings.EqualFold(i.SKU, item.SKU) }) {
		return d.Errf("%s is already specified in this checkout", quote.Called("item", item.SKU))
	}
	var err error
	if item.Amount, err = readAmount(d, args[1]); err != nil {
		return err
	}
	if len(args) == 3 {
		item.Title = args[2]
	}
	if err := block.Parse(d, "item", []block.Option{
		block.String("title_fa", &item.TitleFA),
		block.String("title_en", &item.TitleEN),
		block.Value("picture", func(at string) error { item.Picture = at; return catalogue.CheckPicture(at) }),
		block.Number("quantity", &item.Quantity, 1, catalogue.MaxQuantity),
	}); err != nil {
		return err
	}
	for _, title := range []string{item.Title, item.TitleFA, item.TitleEN} {
		if err := catalogue.CheckTitle(title); err != nil {
			return d.Errf("%s: %w", quote.Called("item", item.SKU), err)
		}
	}
	c.Items = append(c.Items, item)
	return nil
}

// usualQuantity is how many may be bought at once where `quantity` names no number.
const usualQuantity = 10

func (c checkoutBlock) readQuantity(d *caddyfile.Dispenser) error {
	if c.Quantity = usualQuantity; d.CountRemainingArgs() == 0 {
		return nil
	}
	return block.Number("quantity", &c.Quantity, 1, catalogue.MaxQuantity).Read(d)
}

func (c checkoutBlock) readBuyer(d *caddyfile.Dispenser) error {
	var f handlers.BuyerField
	if err := block.OneOf(d, "buyer", &f.Field, "name", "mobile", "email"); err != nil {
		return err
	}
	if d.NextArg() {
		if d.Val() != "required" {
			return d.Errf("buyer %s may be followed by 'required'%s", f.Field, quote.Not(d.Val(), "required"))
		}
		f.Required = true
	}
	if slices.ContainsFunc(c.Buyer, func(b handlers.BuyerField) bool { return b.Field == f.Field }) {
		return d.Errf("buyer %s is already specified", f.Field)
	}
	c.Buyer = append(c.Buyer, f)
	return nil
}

// oneWord is the error about an amount whose unit stands apart.
func oneWord(d *caddyfile.Dispenser, amount, unit string) error {
	if !quote.Known(amount) {
		amount = "120000"
	}
	return d.Errf("write the amount and its unit as one word: %s%s", amount, unit)
}

// unitAlone reports whether a word is a unit without an amount.
func unitAlone(word string) bool {
	_, err := payment.ParseAmount("1" + word)
	return err == nil && word != "" && strings.Trim(word, "0123456789,") == word
}

func (c checkoutBlock) readDonation(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	for i, word := range args {
		if i > 0 && unitAlone(word) {
			return oneWord(d, args[i-1], word)
		}
	}
	if len(args) != 2 {
		return d.Err("donate takes the least and the most that may be given: donate <min> <max>, each with its unit, such as 10000toman")
	}
	least, err := readAmount(d, args[0])
	if err != nil {
		return err
	}
	most, err := readAmount(d, args[1])
	if err != nil {
		return err
	}
	if least > most {
		return d.Errf("donate: the least, %s, is more than the most, %s", args[0], args[1])
	}
	c.Donate = &handlers.Donation{Min: least, Max: most}
	return nil
}

func readAmount(d *caddyfile.Dispenser, written string) (int64, error) {
	// A price carries its unit: a bare number is refused with both readings of it.
	rials, err := payment.ParsePrice(written)
	switch {
	case errors.Is(err, payment.ErrNoUnit) && quote.Known(written), err != nil && strings.ContainsAny(written, ","):
		return 0, d.WrapErr(err)
	case err != nil:
		return 0, d.Err("not an amount: write 120000toman or 1200000rial")
	case rials > catalogue.MaxPrice:
		return 0, d.Err("the amount is too large: at most 9007199254740992 rials (2^53) fit")
	}
	return int64(rials), nil
}
