package app_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// What would mix two shops, or leave open whose a payment is, is refused with
// what to write: by `caddy validate` where it can be seen, else at the start.
func TestShopsThatCannotBeToldApart(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	const (
		money = "payments {\nverify /cb idpay {\nexpect intent\n}\n}\n"
		other = "payments {\nverify /cb idpay {\nexpect intent\nbind x\n}\n}\n"
		two   = ": two shops or one? Give each its `public_url`"
	)
	away := func(option string) string {
		return strings.Replace(money, "expect intent", "expect intent\n"+option, 1)
	}
	at := func(url string) string { return strings.Replace(money, "payments {", "payments {\npublic_url "+url, 1) }
	sells := func(price string) string {
		return "payments {\ncheckout /buy idpay {\nitem mug " + price + "\n}\nverify /cb idpay {\nexpect intent\n}\n}\n"
	}
	for name, c := range map[string]struct {
		global, sites, want string
		// late: only the start sees it.
		late bool
	}{
		"a host":                          {"", "http://a.test {\n" + money + "}", "", false},
		"a host and its www":              {"", "http://a.test, http://www.a.test {\n" + money + "}", "", false},
		"an address":                      {"", "http://127.0.0.1:8080 {\n" + money + "}", "", false},
		"http and https":                  {"", "http://a.test, https://a.test {\n" + money + "}", "", false},
		"blocks of http and https":        {"", "http://a.test {\n" + money + "}\nhttps://a.test {\n" + money + "}", "", false},
		"options differ between the two":  {"", "http://a.test {\n" + money + "}\nhttps://a.test {\n" + other + "}", "`verify /cb idpay` is twice in the site a.test" + two, false},
		"a wildcard":                      {"", "http://*.a.test {\n" + money + "}", "", false},
		"two wildcards":                   {"", "http://*.a.test {\n" + money + "}\nhttp://*.b.test {\n" + other + "}", "", false},
		"a wildcard that says none":       {"", "http://*.a.test {\npayments {\nverify /cb idpay\n}\n}", "provider idpay is used by *.a.test, and a wildcard is as many sites as it has names: say `expect intent`", false},
		"two names":                       {"", "http://a.test, http://b.test {\n" + money + "}", "one block answers to a.test and b.test; if they are one shop, write `public_url", false},
		"two names with public_url":       {"", "http://a.test, http://b.test {\n" + at("http://a.test") + "}", "", false},
		"any name":                        {"", ":8080 {\n" + money + "}", "the site on port 8080 answers to any name; write the shop's name before its block, or write `public_url https://shop.example.com`", false},
		"any name with public_url":        {"", ":8080 {\n" + at("https://a.test") + "}", "", false},
		"any name and a global one":       {"public_url https://a.test", ":8080 {\n" + money + "}", "", false},
		"any name that is only guarded":   {"", ":8080 {\npayments\n}", "", false},
		"any name that is only tracked":   {"", ":8080 {\npayments {\ntrack\n}\n}", "", false},
		"two ports":                       {"", "http://a.test:8080, http://a.test:8081 {\n" + money + "}", "a.test:8080 and a.test:8081 have the same routes: two shops or one? Give each block its `public_url`", false},
		"two ports with public_url":       {"", "http://a.test:8080, http://a.test:8081 {\n" + at("https://a.test") + "}", "", false},
		"a port beside the scheme's":      {"", "http://a.test:80, http://a.test:8081 {\n" + money + "}", "a.test and a.test:8081 have the same routes", false},
		"equal blocks on two ports":       {"", "http://a.test:8080 {\n" + money + "}\nhttp://a.test:8081 {\n" + money + "}", "a.test:8080 and a.test:8081 have the same routes: two shops or one?", false},
		"other blocks on two ports":       {"", "http://a.test:8080 {\n" + money + "}\nhttp://a.test:8081 {\n" + other + "}", "", false},
		"handle":                          {"", "http://a.test {\nhandle {\n" + money + "}\n}", "", false},
		"a snippet twice":                 {"", "(s) {\n" + money + "}\nhttp://a.test {\nimport s\nimport s\n}", "", false},
		"two paths":                       {"", "http://a.test {\nhandle_path /a/* {\n" + money + "}\nhandle_path /b/* {\n" + money + "}\n}", "`verify /cb idpay` is twice in the site a.test" + two + ", such as `public_url http://a.test/shop1`", false},
		"two paths of other options":      {"", "http://a.test {\nhandle_path /a/* {\n" + money + "}\nhandle_path /b/* {\n" + other + "}\n}", "is twice", false},
		"two paths of other prices":       {"", "http://a.test {\nhandle_path /a/* {\n" + sells("1000rial") + "}\nhandle_path /b/* {\n" + sells("5000rial") + "}\n}", "is twice", false},
		"two paths with public_url":       {"", "http://a.test {\nhandle_path /a/* {\n" + at("http://a.test/a") + "}\nhandle_path /b/* {\n" + at("http://a.test/b") + "}\n}", "", false},
		"two paths of a wildcard":         {"", "http://*.a.test {\nhandle_path /a/* {\n" + money + "}\nhandle_path /b/* {\n" + money + "}\n}", "is twice in the site *.a.test", false},
		"a global one for two":            {"public_url https://a.test", "http://a.test {\n" + money + "}\nhttp://b.test {\n" + money + "}", "public_url is one site's, and there are 2 (a.test and b.test): write it in the `payments` blocks", false},
		"a global one for two ports":      {"public_url https://a.test", "http://a.test {\n" + money + "}\nhttp://a.test:8080 {\n" + other + "}", "public_url is one site's, and there are 2 (a.test and a.test:8080)", false},
		"a global one for one":            {"public_url https://a.test", "http://a.test:8080 {\n" + money + "}\nhttp://b.test {\npayments\n}", "", false},
		"a global one for twins":          {"public_url https://a.test", "http://a.test, https://a.test {\n" + money + "}", "", false},
		"a global one for twins of ports": {"public_url https://a.test", "http://a.test:8080, https://a.test:8443 {\n" + money + "}", "", false},
		"a global one and own ones":       {"public_url https://a.test", "http://a.test {\n" + money + "}\nhttp://b.test {\n" + at("https://b.test") + "}", "", false},
		"declined to its own return":      {"", "http://a.test {\n" + away("declined redirect http://a.test/cb?d=1") + "}", "declined redirect http://a.test/cb?d=1: `verify /cb idpay` takes that address, so it would be taken for a return that names no payment; write a page of the shop", false},
		"duplicate to its own return":     {"", "http://a.test {\n" + away("duplicate redirect https://WWW.A.test:443/cb/") + "}", "`verify /cb idpay` takes that address", false},
		"declined to another's return":    {"", "http://a.test {\n" + away("declined redirect http://b.test/cb") + "}", "", false},
		"declined to a page":              {"", "http://a.test {\n" + away("declined redirect http://a.test/cart") + "}", "", false},
		"declined to another route":       {"", "http://a.test {\npayments {\nverify /cb idpay {\nexpect intent\ndeclined redirect /other\n}\nverify /other idpay {\nexpect intent\n}\n}\n}", "`verify /other idpay` takes that address", false},
		"declined to its wildcard":        {"", "http://*.a.test {\n" + away("declined redirect http://x.a.test/cb") + "}", "takes that address", false},
		"declined to its public_url":      {"", ":8080 {\n" + strings.Replace(away("declined redirect https://a.test/x/cb"), "payments {", "payments {\npublic_url https://a.test/x", 1) + "}", "takes that address", false},
		"declined of any name, elsewhere": {"", ":8080 {\n" + strings.Replace(away("declined redirect https://b.test/cb"), "payments {", "payments {\npublic_url https://a.test", 1) + "}", "", false},
		"track by an order":               {"", "http://a.test {\npayments {\ntrack {\nparam order_id\n}\n}\n}", "param order_id: returns of idpay carry a parameter of that name, so what the bank says would be taken for an affiliate's id; write the name that the network's links carry, such as track_id", false},
		"track by a folded order":         {"", "http://a.test {\npayments {\ntrack {\nparam Order.Id\n}\n}\n}", "returns of idpay carry", false},
		"track by an id":                  {"", "http://a.test {\npayments {\ntrack {\nparam id\n}\n}\n}", "returns of idpay carry", false},
		"track by our own":                {"", "http://a.test {\npayments {\ntrack {\nparam payment_ref\n}\n}\n}", "names that begin with payment_ are our own", false},
		"track by a network's name":       {"", "http://a.test {\npayments {\ntrack {\nparam click_id\n}\n}\n}", "", false},
		"track by the default's name":     {"", "http://a.test {\npayments {\ntrack {\nparam track_id\n}\n}\n}", "", false},
		"two schemes, one upstream":       {"", "http://a.test {\n" + money + "reverse_proxy localhost:9000\n}\nhttps://a.test {\n" + money + "reverse_proxy 127.0.0.1:9000\n}", "", false},
		"two schemes, two upstreams":      {"", "http://a.test {\n" + money + "reverse_proxy localhost:9000\n}\nhttps://a.test {\n" + money + "reverse_proxy localhost:9001\n}", "`verify /cb idpay` is twice in the site a.test, once before tcp/localhost:9000 and once before tcp/localhost:9001, so a payment could be handed to either", true},
		"two schemes, more upstreams":     {"", "http://a.test {\n" + money + "reverse_proxy localhost:9000\n}\nhttps://a.test {\n" + money + "reverse_proxy /api/* localhost:9001\nreverse_proxy localhost:9000\n}", "", false},
		"two schemes, one without":        {"", "http://a.test {\n" + money + "redir https://a.test{uri}\n}\nhttps://a.test {\n" + money + "reverse_proxy localhost:9000\n}", "", false},
		"two schemes, dynamic":            {"", "http://a.test {\n" + money + "reverse_proxy {\ndynamic a one.internal 9000\n}\n}\nhttps://a.test {\n" + money + "reverse_proxy {\ndynamic a two.internal 9000\n}\n}", "once before tcp/one.internal:9000 and once before tcp/two.internal:9000", true},
		"two schemes, one dynamic":        {"", "http://a.test {\n" + money + "reverse_proxy {\ndynamic a one.internal 9000\n}\n}\nhttps://a.test {\n" + money + "reverse_proxy {\ndynamic a one.internal 9000\n}\n}", "", false},
		"two schemes, two roots":          {"", "http://a.test {\n" + money + "root /srv/a\nfile_server\n}\nhttps://a.test {\n" + money + "root /srv/b\nfile_server\n}", "once before /srv/a and once before /srv/b", true},
		"two schemes, one root":           {"", "http://a.test {\n" + money + "root /srv/a\nfile_server\n}\nhttps://a.test {\n" + money + "file_server {\nroot /srv/a/\n}\n}", "", false},
		"one public_url, two upstreams":   {"", "http://a.test {\nhandle_path /a/* {\n" + at("http://a.test") + "reverse_proxy localhost:9000\n}\nhandle_path /b/* {\n" + at("http://a.test") + "reverse_proxy localhost:9001\n}\n}", "so a payment could be handed to either", true},
		"one public_url, one upstream":    {"", "http://a.test {\nhandle_path /a/* {\n" + at("http://a.test") + "reverse_proxy localhost:9000\n}\nhandle_path /b/* {\n" + at("http://a.test") + "reverse_proxy localhost:9000\n}\n}", "", false},
		"named, for one":                  {"", "&(n) {\nroute {\n" + money + "respond ok\n}\n}\nhttp://a.test {\ninvoke n\n}", "", false},
		"named, for two":                  {"", "&(n) {\nroute {\n" + money + "respond ok\n}\n}\nhttp://a.test {\ninvoke n\n}\nhttp://b.test {\ninvoke n\n}", "one block answers to a.test and b.test", true},
		"named, for any":                  {"", "&(n) {\nroute {\n" + money + "respond ok\n}\n}\n:8080 {\ninvoke n\n}", "answers to any name", true},
		"named, and nobody invokes it":    {"", "&(n) {\nroute {\n" + money + "respond ok\n}\n}\nhttp://a.test {\nrespond ok\n}", "", false},
		"formerly":                        {"", "http://a.test {\n" + strings.Replace(money, "payments {", "payments {\nformerly http://old.test", 1) + "}", "", false},
		"formerly another's":              {"", "http://a.test {\n" + strings.Replace(money, "payments {", "payments {\nformerly https://B.test.", 1) + "}\nhttp://b.test {\n" + other + "}", "formerly https://B.test.: that is the site b.test, which would have two shops' payments", false},
		"formerly a wildcard's":           {"", "http://a.test {\n" + strings.Replace(money, "payments {", "payments {\nformerly http://one.w.test", 1) + "}\nhttp://*.w.test {\n" + other + "}", "that is the site one.w.test", false},
		"formerly of two":                 {"", "http://a.test {\n" + strings.Replace(money, "payments {", "payments {\nformerly http://o.test", 1) + "}\nhttp://b.test {\n" + strings.Replace(other, "payments {", "payments {\nformerly http://o.test", 1) + "}", "b.test both say so", false},
		"formerly of a wildcard":          {"", "http://*.a.test {\n" + strings.Replace(money, "payments {", "payments {\nformerly http://o.test", 1) + "}", "formerly is for a site with one name", false},
	} {
		t.Run(name, func(t *testing.T) {
			text := "{\nauto_https disable_redirects\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\naffiliate hamekar {\nstore_token x\n}\n" + c.global + "\n}\n}\n" + c.sites + "\n"
			err := refused(t, text)
			if c.late {
				if err != nil {
					t.Fatal("sooner than expected:", err)
				}
				ours, http := provisioned(t, text)
				_, err = ours.Sites().Place(http)
			} else if err == nil {
				ours, http := provisioned(t, text)
				if _, late := ours.Sites().Place(http); late != nil {
					t.Fatal("validates and does not start:", late)
				}
			}
			if (err != nil) != (c.want != "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v\nwant %s\n%s", err, c.want, text)
			}
		})
	}
}

// An upstream is one, however its address is written.
func TestDoctorKnowsAnUpstreamByAnyName(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	for name, c := range map[string]struct {
		shop, other string
		want        bool
	}{
		"localhost":       {"localhost:9000", "127.0.0.1:9000", true},
		"IPv6":            {"127.0.0.1:9000", "[::1]:9000", true},
		"a socket":        {"unix//run/shop.sock", "unix//run/../run/./shop.sock", true},
		"capitals":        {"PHP.test:9000", "php.test:9000", true},
		"another port":    {"localhost:9000", "localhost:9001", false},
		"another machine": {"10.0.0.1:9000", "10.0.0.2:9000", false},
	} {
		t.Run(name, func(t *testing.T) {
			ours, http := provisioned(t, "{\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\n}\n}\nhttp://a.test {\npayments {\nverify /cb idpay\n}\nreverse_proxy "+
				c.shop+"\n}\nhttp://b.test {\nreverse_proxy "+c.other+"\n}\n")
			findings, err := ours.Sites().Place(http)
			if err != nil || (len(findings) == 1 && findings[0].Code == "unguarded") != c.want {
				t.Error(findings, err)
			}
		})
	}
}

// What a site serves beside our handler is as open as what another site serves, and
// an upstream that is looked up is one, too.
func TestDoctorSeesWhatOneSiteServesBesideUs(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	t.Setenv("COURSE_ROOT", "/srv/a/course")
	real := t.TempDir()
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(real, link); err != nil {
		t.Fatal(err)
	}
	const (
		money = "payments {\nverify /cb idpay {\nexpect intent\n}\n}\n"
		paid  = "payments {\ncheckout /buy idpay {\nitem book 50000rial\n}\nverify /cb idpay {\nexpect intent\n}\nrequire /book.pdf {\nitem book\n}\n}\n"
		shop  = "reverse_proxy 127.0.0.1:9000"
		named = "reverse_proxy {\ndynamic a shop.internal 9000\n}"
		srv   = "reverse_proxy {\ndynamic srv _http._tcp.shop.internal\n}"
		multi = "reverse_proxy {\ndynamic multi {\na shop.internal 9000\na shop2.internal 9000\n}\n}"
	)
	for name, c := range map[string]struct{ site, other, want string }{
		"all behind the guard":             {money + "handle /api/* {\n" + shop + "\n}\nhandle {\n" + shop + "\n}", "", ""},
		"a handle beside the guarded one":  {"handle /shop/* {\n" + money + shop + "\n}\nhandle {\n" + shop + "\n}", "", "unguarded"},
		"a route beside it":                {"@x path /x\nroute /shop/* {\n" + money + shop + "\n}\nroute @x {\n" + shop + "\n}", "", "unguarded"},
		"beside it, another upstream":      {"handle /shop/* {\n" + money + shop + "\n}\nhandle {\nreverse_proxy 127.0.0.1:9001\n}", "", ""},
		"each with its guard":              {"handle /shop/* {\n" + money + shop + "\n}\nhandle {\npayments\n" + shop + "\n}", "", ""},
		"dynamic a of another site":        {money + named, named, "unguarded"},
		"dynamic a, and its name":          {money + named, "reverse_proxy shop.internal:9000", "unguarded"},
		"dynamic a of another port":        {money + named, "reverse_proxy shop.internal:9001", ""},
		"dynamic srv of another site":      {money + srv, srv, "unguarded"},
		"dynamic srv of another name":      {money + srv, strings.Replace(srv, "shop", "blog", 1), ""},
		"dynamic multi of another site":    {money + multi, multi, "unguarded"},
		"route, first":                     {"route {\n" + money + "file_server\n}", "", ""},
		"route, after some files":          {"route {\nfile_server /img/*\n" + money + "file_server\n}", "", ""},
		"route, after files that go on":    {"route {\nfile_server {\npass_thru\n}\n" + money + "}", "", ""},
		"route, after PHP of a part":       {"route {\nphp_fastcgi /blog/* 127.0.0.1:9000\n" + money + "}", "", ""},
		"route, after PHP that takes it":   {"route {\nphp_fastcgi /c* 127.0.0.1:9000\n" + money + "}", "", "late"},
		"route, after headers":             {"route {\nheader X-A b\nroute {\nheader X-B c\n}\n" + money + "}", "", ""},
		"route, after a part":              {"route {\nhandle /img/* {\nfile_server\n}\n" + money + "file_server\n}", "", ""},
		"route, after the part it is in":   {"route {\nhandle /cb* {\nfile_server\n}\n" + money + "file_server\n}", "", "late"},
		"route, after the files of a GET":  {"route {\n@get method GET\nfile_server @get\n" + money + "}", "", "late"},
		"route, after the files of a POST": {"route {\n@post method POST\nfile_server @post\n" + money + "}", "", ""},
		"route, after a login":             {"route {\nforward_auth 127.0.0.1:9002 {\nuri /auth\n}\n" + money + "}", "", ""},
		"route, after one that may go on":  {"route {\nreverse_proxy 127.0.0.1:9002 {\n@ok status 2xx\nhandle_response @ok {\nheader X-A b\n}\n}\n" + money + "}", "", "handle_response"},
		"a route after a route":            {"route {\nroute {\n@x path /x\nrespond @x hello\nfile_server\n}\nroute {\n" + money + "}\n}", "", "late"},
		"in the handle of another path":    {"handle /cb* {\nfile_server\n}\nhandle {\n" + money + "file_server\n}", "", "late"},
		"in a handle_path":                 {"handle /cb* {\nfile_server\n}\nhandle_path /shop/* {\n" + money + "file_server\n}", "", ""},
		"a gate after its files":           {"handle /book* {\nfile_server\n}\nhandle {\n" + paid + "root /srv/a\nfile_server\n}", "", "late"},
		"a shop after a part of its path":  {"handle /buy* {\nfile_server\n}\nhandle {\n" + paid + "root /srv/a\nfile_server\n}", "", "late"},
		"the root, all behind":             {paid + "root /srv/a\nfile_server", "", ""},
		"the root in a part, another path": {"root /srv/a\nhandle /shop/* {\n" + paid + "file_server\n}\nhandle {\nfile_server\n}", "", ""},
		"the root in a part, stripped":     {"root /srv/a\nhandle_path /raw/* {\nfile_server\n}\nhandle {\n" + paid + "file_server\n}", "", "gate_root"},
		"a root above in a part":           {"handle /raw/* {\nroot /srv\nfile_server\n}\nhandle {\n" + paid + "root /srv/a\nfile_server\n}", "", "gate_root"},
		"a root below in a part":           {"handle /raw/* {\nfile_server {\nroot /srv/a/b\n}\n}\nhandle {\n" + paid + "root /srv/a\nfile_server\n}", "", "gate_root"},
		"a root below, behind the gate":    {strings.ReplaceAll(paid, "/book.pdf", "/course/*") + "root /srv/a\nhandle_path /static/* {\nroot /srv/a/course\nfile_server\n}\nhandle {\nfile_server\n}", "", "gate_root"},
		"… by a placeholder":               {strings.ReplaceAll(paid, "/book.pdf", "/course/*") + "root /srv/a\nhandle_path /static/* {\nroot {env.COURSE_ROOT}\nfile_server\n}\nhandle {\nfile_server\n}", "", "gate_root"},
		"… by a symbolic link":             {paid + "root " + real + "\nfile_server", "root " + link + "\nfile_server", "gate_root"},
		"… of what no gate guards":         {strings.ReplaceAll(paid, "/book.pdf", "/course/*") + "root /srv/a\nhandle_path /static/* {\nroot /srv/a/img\nfile_server\n}\nhandle {\nfile_server\n}", "", ""},
		"a root above, behind the gate":    {strings.ReplaceAll(paid, "/book.pdf", "/course/*") + "root /srv/a\nhandle /all/* {\nroot /srv\nfile_server\n}\nhandle {\nfile_server\n}", "", "gate_root"},
		"another root in a part":           {"handle /raw/* {\nroot /srv/ab\nfile_server\n}\nhandle {\n" + paid + "root /srv/a\nfile_server\n}", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			ours, http := provisioned(t, "{\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\n}\n}\nhttp://a.test {\n"+c.site+"\n}\nhttp://b.test {\n"+c.other+"\n}\n")
			findings, err := ours.Sites().Place(http)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				if f.Code != "no_page" { // none of these sites has files
					got = append(got, f.Code)
				}
			}
			if strings.Join(got, " ") != c.want {
				t.Errorf("%+v, want %q", findings, c.want)
			}
		})
	}
}

// What stands between the shop's answer and us, or repeats a hand-over.
func TestDoctorSeesWhatComesBetween(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	for name, c := range map[string]struct {
		options, proxy string
		want           []string
	}{
		"nothing":           {"", "reverse_proxy 127.0.0.1:9000", nil},
		"a second upstream": {"", "reverse_proxy 127.0.0.1:9000 {\n@down status 5xx\nhandle_response @down {\nreverse_proxy 127.0.0.1:9001\n}\n}", []string{"second_upstream", "handle_response"}},
		"by intercept":      {"", "intercept {\n@down status 5xx\nhandle_response @down {\nreverse_proxy 127.0.0.1:9001\n}\n}\nreverse_proxy 127.0.0.1:9000", []string{"second_upstream", "handle_response"}},
		"idempotent":        {"deliver idempotent", "reverse_proxy 127.0.0.1:9000 {\n@down status 5xx\nhandle_response @down {\nreverse_proxy 127.0.0.1:9001\n}\n}", []string{"handle_response"}},
		"an answer copied":  {"", "reverse_proxy 127.0.0.1:9000 {\nhandle_response {\ncopy_response\n}\n}", nil},
		"an answer dropped": {"", "reverse_proxy 127.0.0.1:9000 {\nhandle_response {\nrespond ok\n}\n}", []string{"handle_response"}},
		"a login":           {"", "forward_auth 127.0.0.1:9002 {\nuri /auth\ncopy_headers X-User\n}\nreverse_proxy 127.0.0.1:9000", nil},
		"retries":           {"", "reverse_proxy 127.0.0.1:9000 {\nlb_retries 2\n}", []string{"retries"}},
	} {
		t.Run(name, func(t *testing.T) {
			ours, http := provisioned(t, "{\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\n}\n}\nhttp://a.test {\npayments {\nverify /cb idpay {\n"+c.options+"\n}\n}\n"+c.proxy+"\n}\n")
			findings, err := ours.Sites().Place(http)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				got = append(got, f.Code)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// What nobody can buy, and what no dashboard will show, is said when the site starts.
func TestDoctorSeesWhatNothingSells(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	goods := filepath.Join(t.TempDir(), "goods.csv")
	if err := os.WriteFile(goods, []byte("sku,price\npen,50000rial\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const sale = "checkout /buy idpay {\nitem book 50000rial\n}\nverify /cb idpay {\nexpect intent\n}\n"
	for name, c := range map[string]struct {
		site string
		want []string
	}{
		"sold":                         {"payments {\n" + sale + "require /x {\nitem book\n}\n}", nil},
		"sold by another block":        {"handle /x/* {\npayments {\nrequire /x/* {\nitem book\n}\n}\n}\nhandle {\npayments {\n" + sale + "}\n}", nil},
		"one of two":                   {"payments {\n" + sale + "require /x {\nitem book bok\n}\n}", []string{"unsold a.test: only visitors who bought it before get in; require: no checkout of this site sells bok; did you mean 'book'?"}},
		"by no block":                  {"handle /x/* {\npayments {\nrequire /x/* {\nitem workshop\n}\n}\n}\nhandle {\npayments {\n" + sale + "}\n}", []string{"unsold a.test: only visitors who bought it before get in; require: no checkout of this site sells workshop; there is only book"}},
		"without any checkout":         {"payments {\nrequire /x/* {\nitem workshop\n}\n}", []string{"unsold a.test: only visitors who bought it before get in; require: no checkout of this site sells workshop: add a `checkout` with it"}},
		"of a catalogue":               {"payments {\n" + strings.Replace(sale, "item book 50000rial", "catalogue "+goods, 1) + "require /x {\nitem pen\n}\n}", nil},
		"of a catalogue no longer":     {"payments {\n" + strings.Replace(sale, "item book 50000rial", "catalogue "+goods, 1) + "require /x {\nitem pencil\n}\n}", []string{"unsold a.test: only visitors who bought it before get in; require: no checkout of this site sells pencil; did you mean 'pen'?"}},
		"a dashboard of this site":     {"payments {\n" + sale + "}\npayment_dashboard {\nsite a.test\n}", nil},
		"a dashboard of no site":       {"payments {\n" + sale + "}\npayment_dashboard {\nsite a.tst\n}", []string{"unshown a.tst: payment_dashboard: no site of this configuration is called 'a.tst', so its payments will not be seen; did you mean 'a.test'?"}},
		"a dashboard of an old name":   {"payments {\n" + sale + "formerly https://old.test\n}\npayment_dashboard {\nsite old.test\n}", nil},
		"a dashboard of an other port": {"payments {\n" + sale + "}\npayment_dashboard {\nsite a.test:8080\n}", []string{"unshown a.test:8080: payment_dashboard: no site of this configuration is called 'a.test:8080', so its payments will not be seen; there is only a.test"}},
	} {
		t.Run(name, func(t *testing.T) {
			ours, http := provisioned(t, "{\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\n}\n}\nhttp://a.test {\n"+c.site+"\n}\n")
			findings, err := ours.Sites().Place(http)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range findings {
				if f.Code != "no_page" {
					got = append(got, f.Code+" "+f.Where+": "+f.Text)
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

// A block that no request can reach is refused when it is provisioned, which is all that
// `caddy validate` does; one that some request reaches is not.
func TestABlockThatNothingReaches(t *testing.T) {
	t.Setenv("IDPAY_KEY", "6a7f99eb-7c20-4412-a972-6dfb7cd253a4")
	const (
		money = "payments {\nverify /cb idpay {\nexpect intent\n}\n}\n"
		shop  = "reverse_proxy 127.0.0.1:9000"
	)
	for name, c := range map[string]struct{ site, by string }{
		"route, after the files":           {"route {\nfile_server\n" + money + "}", "file_server"},
		"route, after the shop":            {"route {\n" + shop + "\n" + money + "}", "reverse_proxy"},
		"route, after an answer":           {"route {\nrespond hello\n" + money + "}", "respond"},
		"route in a route":                 {"route {\nfile_server\nroute {\n" + money + "}\n}", "file_server"},
		"route, after PHP":                 {"route {\nphp_fastcgi 127.0.0.1:9000\n" + money + "}", "php_fastcgi"},
		"route, after a handle":            {"route {\nhandle {\nfile_server\n}\n" + money + "}", "file_server"},
		"route, after a route":             {"route {\nroute {\nroute {\nfile_server\n}\n}\n" + money + "}", "file_server"},
		"an empty block":                   {"route {\nfile_server\npayments\n}", "file_server"},
		"route of a part, after the files": {"@p path /p/*\nroute @p {\nfile_server\n" + money + "}", "file_server"},
		"after a redirection and files":    {"route {\nredir /old /new\nfile_server\n" + money + "}", "file_server"},
		"in error routes":                  {"handle_errors {\nroute {\nrespond sorry\npayments\n}\n}\npayments", "respond"},
		"first":                            {"route {\n" + money + "file_server\n}", ""},
		"not in a route":                   {"file_server\n" + money, ""},
		"after files of a part":            {"route {\nfile_server /img/*\n" + money + "file_server\n}", ""},
		"after files that go on":           {"route {\nfile_server {\npass_thru\n}\n" + money + "}", ""},
		"after a login":                    {"route {\nforward_auth 127.0.0.1:9002 {\nuri /auth\n}\n" + money + shop + "\n}", ""},
		"after a part of a route":          {"route {\nroute /x/* {\nfile_server\n}\n" + money + "}", ""},
		"after a handle of a part":         {"route {\nhandle /x/* {\nfile_server\n}\nhandle {\n" + money + "}\n}", ""},
		"beside a handle":                  {"handle /x/* {\nfile_server\n}\nhandle {\n" + money + "}", ""},
		"after PHP of a part":              {"route {\nphp_fastcgi /blog/* 127.0.0.1:9000\n" + money + "}", ""},
	} {
		t.Run(name, func(t *testing.T) {
			err := refused(t, "{\npayments {\nprovider idpay {\napi_key {env.IDPAY_KEY}\n}\n}\n}\nhttp://b.test {\nfile_server\n}\nhttp://a.test {\n"+c.site+"\n}\n")
			want := "`payments` comes after " + c.by + " in a `route`"
			if (err != nil) != (c.by != "") || err != nil && !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %q", err, c.by)
			}
		})
	}
}
