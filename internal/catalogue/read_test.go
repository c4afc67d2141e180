package catalogue

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestFiles(t *testing.T) {
	mug := Item{SKU: "mug", Price: 8_900_000, Title: "A mug", Line: 2}
	for name, c := range map[string]struct {
		file, text string
		want       []Item
	}{
		"comma":        {"a.csv", "sku,price,title\nmug,890000toman,A mug\n", []Item{mug}},
		"crlf and bom": {"a.csv", "\ufeffsku,price,title\r\nmug,890000toman,A mug\r\n", []Item{mug}},
		"cr alone":     {"a.CSV", "sku,price,title\rmug,890000toman,A mug", []Item{mug}},
		"semicolon":    {"a.csv", "sku;price;title\nmug;890,000 toman;A mug", []Item{mug}},
		"tab":          {"a.csv", "sku\tprice\ttitle\nmug\t8,900,000 rials\tA mug", []Item{mug}},
		"persian": {"a.csv", "کد کالا؛قیمت؛عنوان؛تصویر\nلیوان؛۸۹۰٬۰۰۰ تومان؛لیوان «نارنج»؛/عکس/لیوان.jpg\n", []Item{
			{SKU: "لیوان", Price: 8_900_000, Title: "لیوان «نارنج»", Picture: "/عکس/لیوان.jpg", Line: 2}}},
		"persian comma":     {"a.csv", "كد،قيمت\nmug،۸۹۰۰۰۰تومان", []Item{{SKU: "mug", Price: 8_900_000, Line: 2}}},
		"unit of a column":  {"a.csv", "sku,قیمت (تومان)\nmug,۸۹۰۰۰۰\npen,\"۱۰,۰۰۰\"", []Item{{SKU: "mug", Price: 8_900_000, Line: 2}, {SKU: "pen", Price: 100_000, Line: 3}}},
		"rial column":       {"a.csv", "sku,price_rial\nmug,8900000\n\n ,\npen,10000 rial", []Item{{SKU: "mug", Price: 8_900_000, Line: 2}, {SKU: "pen", Price: 10_000, Line: 5}}},
		"nothing evaluated": {"a.csv", "sku,price,title_fa,title_en,quantity\nmug,890000toman,{env.HOME} {{now}},<b>\"mug\"</b>,۵\n", nil},
		"quoted":            {"a.csv", "sku,price,title_fa,title_en,quantity\nmug,890000toman,{env.HOME} {{now}},\"<b>\"\"mug\"\"</b>\",۵\n", []Item{{SKU: "mug", Price: 8_900_000, TitleFA: "{env.HOME} {{now}}", TitleEN: `<b>"mug"</b>`, Quantity: 5, Line: 2}}},
		"json":              {"a.json", "\ufeff[\n {\"sku\":\"mug\",\"price\":\"890000toman\",\"title\":\"A mug\"}\n]", []Item{mug}},
		"json, all of it": {"a.json", `[{"sku":"mug","price":"۸۹۰٬۰۰۰ تومان","title":{"fa":"لیوان","en":"Mug"},"picture":"https://cdn.example.com/m.jpg","quantity":3}]`, []Item{
			{SKU: "mug", Price: 8_900_000, TitleFA: "لیوان", TitleEN: "Mug", Picture: "https://cdn.example.com/m.jpg", Quantity: 3, Line: 1}}},
	} {
		got, err := Read(c.file, []byte(c.text))
		if c.want == nil {
			if err == nil {
				t.Errorf("%s: taken as %+v", name, got)
			}
			continue
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, c.want)
		}
	}
}

// What can't be sold is refused with file, line, field, and what to write.
func TestBadFiles(t *testing.T) {
	head := "sku,price,title\n"
	for _, c := range []struct{ file, text, want string }{
		{"shop.csv", head + "mug,890000,A mug", "shop.csv:2: price: the amount has no unit: write 890000toman (8,900,000 rials) or 890000rial (89,000 toman)"},
		{"shop.csv", head + "mug,890000toman,a\nMug,1toman,b", "shop.csv:3: sku: Mug is in line 2 already"},
		{"shop.csv", head + "mug,-5toman,a", "shop.csv:2: price: \"-5toman\": a price is more than 0"},
		{"shop.csv", head + "mug,0toman,a", "shop.csv:2: price: not an amount"},
		{"shop.csv", head + "mug,,a", "shop.csv:2: price: "},
		{"shop.csv", head + "mug", "shop.csv:2: price: it is missing"},
		{"shop.csv", head + "mug,12,00,0toman,a", "shop.csv:2: it has 5 cells and there are 3 columns"},
		{"shop.csv", head + "mug,\"12,00,0toman\",a", "shop.csv:2: price: not an amount"},
		{"shop.csv", head + "mug,9007199254740993rial,a", "too large"},
		{"shop.csv", head + "mug,99999999999999999999999rial,a", "shop.csv:2: price: "},
		{"shop.csv", head + "a/b,1000toman,a", "shop.csv:2: sku: 'a/b' is no sku"},
		{"shop.csv", head + "..,1000toman,a", "is no sku"},
		{"shop.csv", head + strings.Repeat("a", 65) + ",1000toman,a", "is no sku"},
		{"shop.csv", head + "mug,1000toman,\"two\nlines\"", "shop.csv:2: title: the title has a line break"},
		{"shop.csv", head + "mug,1000toman," + strings.Repeat("ا", 201), "the title has 201 letters and may have 200"},
		{"shop.csv", head + "mug,1000toman,\"open", "shop.csv:2: a cell's quotes don't fit"},
		{"shop.csv", head + "mug,1000toman,\xff\xfe", "shop.csv:2: this is not UTF-8"},
		{"shop.csv", "\xff\xfes\x00k\x00u\x00", "shop.csv: the file is UTF-16"},
		{"shop.csv", "sku,prise\nmug,1toman", "shop.csv:1: there is no column \"prise\"; did you mean 'price'?"},
		{"shop.csv", "sku,,price\n", "shop.csv:1: column 2 has no name"},
		{"shop.csv", "sku,price,price\n", "shop.csv:1: there are two columns price"},
		{"shop.csv", "sku,price,price_toman\n", "one column of prices"},
		{"shop.csv", "mug,890000toman,A mug\n", "shop.csv:1: there is no column \"mug\""},
		{"shop.csv", "title,price\n", "shop.csv:1: there is no column sku"},
		{"shop.csv", "sku,price_toman\nmug,8900000 rial", "names rial, and the column toman"},
		{"shop.csv", head, "shop.csv: the file has no item"},
		{"shop.csv", " \n", "shop.csv: the file is empty"},
		{"shop.csv", "sku,price,picture\nmug,1000toman,javascript:alert(1)", "shop.csv:2: picture: "},
		{"shop.csv", "sku,price,picture\nmug,1000toman,http://x.example/m.jpg", "shop.csv:2: picture: "},
		{"shop.csv", "sku,price,picture\nmug,1000toman,//evil.example/m.jpg", "shop.csv:2: picture: "},
		{"shop.csv", "sku,price,picture\nmug,1000toman,https://a.example;script-src/m.jpg", "shop.csv:2: picture: "},
		{"shop.csv", "sku,price,picture\nmug,1000toman,https://u:p@a.example/m.jpg", "shop.csv:2: picture: "},
		{"shop.csv", "sku,price,quantity\nmug,1000toman,0", "shop.csv:2: quantity: "},
		{"shop.csv", "sku,price,quantity\nmug,1000toman,1001", "shop.csv:2: quantity: 1001"},
		{"shop.csv", "sku,price,quantity\nmug,1000toman,many", "shop.csv:2: quantity: "},
		{"shop.json", `{"sku":"mug"}`, "shop.json:1: write a list of items"},
		{"shop.json", "[\n{\"sku\":\"mug\",\n\"price\":890000}]", "shop.json:3: price: the amount has no unit: write 890000toman"},
		{"shop.json", `[{"sku":"mug","price":"1000toman","pirce":1}]`, "shop.json:1: there is no \"pirce\"; did you mean 'price'?"},
		{"shop.json", `[{"sku":"mug","sku":"pen","price":"1000toman"}]`, "shop.json:1: sku: it is written twice"},
		{"shop.json", "[{\"sku\":\"mug\"\n,}]", "shop.json:2: this is not JSON"},
		{"shop.json", `[{"sku":"mug","price":"1000toman"}] []`, "something follows the list"},
		{"shop.json", `[{"sku":"mug","price":"1000toman"}] x`, "something follows the list"},
		{"shop.json", `[{"sku":"mug","price":"1000toman"}]]`, "something follows the list"},
		{"shop.json", `[{"sku":"m","price":"1000toman","title":{"fa":"x","fa":"y"}}]`, "shop.json:1: title: write a text, or"},
		{"shop.json", `[{"sku":"m","price":"1000toman","title":{"fa":5}}]`, "shop.json:1: title: write a text, or"},
		{"shop.json", `[{"sku":5,"price":"1000toman"}]`, "shop.json:1: sku: it must be a text in quotes"},
		{"shop.json", `[{"sku":"m","price":"1000toman","title":{"de":"x"}}]`, "shop.json:1: title: write a text"},
		{"shop.json", `[]`, "shop.json: the file has no item"},
		{"shop.xlsx", "", "must end in .csv or .json"},
	} {
		var err error
		if err = CheckName(c.file); err == nil {
			_, err = Read("/srv/"+c.file, []byte(c.text))
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v, want %q", c.text, err, c.want)
		}
	}
}

// Below, at and above the bounds of a file.
func TestBoundsOfAFile(t *testing.T) {
	rows := func(n int) string {
		var b strings.Builder
		b.WriteString("sku,price\n")
		for i := range n {
			fmt.Fprintf(&b, "s%d,1000toman\n", i)
		}
		return b.String()
	}
	for n, ok := range map[int]bool{1: true, MaxItems - 1: true, MaxItems: true, MaxItems + 1: false, 3 * MaxItems: false} {
		items, err := Read("a.csv", []byte(rows(n)))
		if (err == nil) != ok || ok && len(items) != n {
			t.Errorf("%d items: %d, %v", n, len(items), err)
		}
	}
	for size, ok := range map[int]bool{MaxFile - 1: true, MaxFile: true, MaxFile + 1: false, 4 * MaxFile: false} {
		text := "sku,price\nmug,1000toman\n"
		file := filepath.Join(t.TempDir(), "a.csv")
		if err := os.WriteFile(file, []byte(text+strings.Repeat("\n", size-len(text))), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(file); (err == nil) != ok {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// Whatever stands in a file, what is read can be sold, and was read from it.
func TestWhateverIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"a.csv", "a.json"}).Draw(t, "name")
		text := rapid.OneOf(rapid.String(),
			rapid.Map(rapid.SliceOf(rapid.SampledFrom([]string{"sku", "price", ",", "\n", "\"", "؛", "1000toman", "mug", "۵", "title", "[", "{", "}", "]", ":", "\r", "\ufeff", " "})),
				func(s []string) string { return strings.Join(s, "") })).Draw(t, "text")
		items, err := Read(name, []byte(text))
		if (err == nil) != (len(items) > 0) {
			t.Fatalf("%d items, %v", len(items), err)
		}
		for _, it := range items {
			if CheckSKU(it.SKU) != nil || it.Price <= 0 || it.Price > MaxPrice || it.Line < 1 {
				t.Fatalf("%+v", it)
			}
		}
	})
}

func FuzzRead(f *testing.F) {
	f.Add(true, "sku,price\nmug,1000toman")
	f.Add(false, `[{"sku":"mug","price":"1000toman"}]`)
	f.Fuzz(func(t *testing.T, csv bool, text string) {
		name := "a.json"
		if csv {
			name = "a.csv"
		}
		items, err := Read(name, []byte(text))
		if (err == nil) != (len(items) > 0) {
			t.Fatalf("%d items, %v", len(items), err)
		}
	})
}
