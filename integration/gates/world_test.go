// Package gates_test tries to get at paid content, and past a verify route, in
// every spelling and through every handler that changes a path.
package gates_test

import (
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rahgir/caddy-payments/integration/harness"
	"github.com/rahgir/caddy-payments/sandbox"
)

// What files hold: all that is paid for begins so.
const (
	secret = "SECRET"
	pro    = "SECRET PRO"
	free   = "FREE"
)

// world is a static shop with paid content in it, and a shop behind a proxy.
type world struct {
	*harness.Caddy
	t            *testing.T
	shop         *harness.Shop
	static, back string
	box          *sandbox.Server
}

var files = map[string]string{
	"index.html": free, "book.pdf": secret, "book.pdf.gz": secret, "lesson.html": secret, "lesson.html.gz": secret, "c++/x.html": secret, "c++/index.html": secret, "docs/readme.html": secret, "members/secret.txt": secret, "members/index.html": secret, "members/a.html": secret,
	"members/pro/x.html": pro, "a/index.html": secret, "a/b.txt": free, "deep/one.zip": secret, "deep/index.html": free, "free/x.txt": free, "thanks/index.html": free, "404.html": free,
}

func start(t *testing.T) *world {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text+" "+name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w := &world{t: t, shop: harness.NewShop(t), static: harness.Site(t), back: harness.Site(t)}
	var boxURL string
	w.box, boxURL = harness.Sandbox(t, sandbox.Options{})
	w.Caddy = harness.Start(t, harness.Global(boxURL)+strings.NewReplacer("STATIC", w.static, "BACK", w.back, "ROOT", root, "SHOP", w.shop.URL).Replace(sites), harness.Environment()...)
	return w
}

const sites = `STATIC {
	root ROOT
	payments {
		track
		checkout /buy idpay {
			item book 8900000rial
			item pro 89000000rial
			return /thanks/
		}
		verify /thanks/ idpay {
			expect intent
		}
		require /book.pdf /lesson.html /members/* /a/index.html /deep/*.zip /c%2B%2B/*.html {
			item book pro
		}
		require /members/pro/* {
			item pro
		}
	}
	rewrite /r1 /book.pdf
	uri /strip/* strip_prefix /strip
	uri replace /alias/ /members/
	encode gzip
	handle_path /hp/* {
		file_server
	}
	handle /err {
		error 404
	}
	handle /boom {
		error 500
	}
	handle /accel {
		reverse_proxy SHOP {
			handle_response {
				rewrite * /members/secret.txt
				file_server
			}
		}
	}
	handle /fwd/* {
		forward_auth SHOP {
			uri /ok
		}
		rewrite * /members/secret.txt
		file_server
	}
	handle /inter {
		intercept {
			handle_response {
				rewrite * /members/secret.txt
				file_server
			}
		}
		respond "x" 200
	}
	handle {
		try_files {path} {path}.html {path}/index.html
		file_server {
			precompressed gzip
			disable_canonical_uris
		}
	}
	handle_errors 500 {
		rewrite * /404.html
		file_server
	}
	handle_errors {
		rewrite * /members/secret.txt
		file_server
	}
}
BACK {
	payments {
		track
		verify /callback.php /pay/callback /%70ay%2Bcb idpay {
			expect intent
		}
		checkout /buy idpay {
			item cheap 100000rial
			item book 8900000rial
			return /vip/back
		}
		verify /vip/back idpay {
			expect intent
			declined pass
		}
		require /vip/* {
			item book
		}
	}
	@hinted path /hinted
	reverse_proxy SHOP
}
`

// buy buys an item at the static shop and returns the browser that did.
func (w *world) buy(item string) *harness.Browser {
	w.t.Helper()
	b := harness.NewBrowser(w.t)
	pay := b.Post(w.static+"/buy/"+item, nil).Location(w.t)
	back := b.Post(pay, url.Values{"action": {"pay"}})
	if p := b.Get(back.Location(w.t)); p.Status != 200 || !strings.Contains(p.Body, free) {
		w.t.Fatalf("the return: %d %s", p.Status, p.Body)
	}
	return b
}
