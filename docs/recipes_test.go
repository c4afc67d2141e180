package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// runPHP runs a program and returns what it printed.
func runPHP(t *testing.T, program string) string {
	t.Helper()
	if _, err := exec.LookPath("php"); err != nil {
		if os.Getenv("PAYMENTS_REQUIRE_ALL") == "1" {
			t.Fatal("no php")
		}
		t.Skip("no php")
	}
	name := filepath.Join(t.TempDir(), "recipe.php")
	if err := os.WriteFile(name, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "php", "-d", "display_errors=1", name).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// inBoth is a part of the PHP that a page prints, in each language's page.
func inBoth(t *testing.T, page string, part *regexp.Regexp) map[string]string {
	t.Helper()
	found := make(map[string]string)
	for _, name := range []string{"docs/" + page, "docs/fa/" + page} {
		text := part.FindString(manual(t)[name])
		if text == "" {
			t.Fatalf("%s has no %s", name, part)
		}
		found[name] = text
	}
	return found
}

// The recipes announce what the gateway's own plugin asks of the customer. IDPay's
// plugins drop or round fractions before they convert; a recipe that converts first
// says another amount, and the paid order is held.
func TestRecipesRoundAsThePluginsDo(t *testing.T) {
	t.Parallel()
	t.Run("WooCommerce", func(t *testing.T) {
		t.Parallel()
		// The plugin: intval($order->get_total()), then toman and thousands to rials.
		for page, recipe := range inBoth(t, "shops/woocommerce.md", regexp.MustCompile(`(?s)function caddy_payment_rials.*?\n}\n`)) {
			out := runPHP(t, `<?php
class WC_Order {
	function __construct(private $total, private $currency) {}
	function get_total() { return $this->total; }
	function get_currency() { return $this->currency; }
}
`+recipe+`
foreach ([['120000.6', 'IRT'], ['12.5', 'IRHT'], ['12.5', 'IRHR'], ['99999.99', 'IRR'], ['50000', 'IRT'], ['0.9', 'IRT']] as [$total, $currency]) {
	echo json_encode(caddy_payment_rials(new WC_Order($total, $currency))), ' ';
}`)
			if want := "1200000 120000 12000 99999 500000 0"; out != want {
				t.Errorf("%s: %s, and the plugin asks for %s", page, out, want)
			}
		}
	})
	t.Run("OpenCart", func(t *testing.T) {
		t.Parallel()
		// The extension rounds in the order's currency and converts to RLS.
		for page, recipe := range inBoth(t, "shops/opencart.md", regexp.MustCompile(`(?s)public function callback\(\) \{.*?\n}\n`)) {
			if strings.Contains(recipe, "IRR") {
				t.Errorf("%s asks for a currency that IDPay's extension doesn't know", page)
			}
			out := runPHP(t, `<?php
define('DIR_SYSTEM', __DIR__ . '/system/');
mkdir(DIR_SYSTEM . 'library', 0700, true);
file_put_contents(DIR_SYSTEM . 'library/payment-receipt.php', '<?php
	function payment_receipt($order, $amount, $options) { echo json_encode($amount), " "; return array("provider" => "p", "id" => "i"); }
	function payment_ack($receipt) {}');
// As system/library/cart/currency.php of OpenCart 3 does it.
class Currency {
	private $values = array('TOM' => 1, 'RLS' => 10, 'USD' => 0.00002);
	function format($number, $currency, $value, $format) { return (float) $number * $value; }
	function convert($value, $from, $to) {
		$from = isset($this->values[$from]) ? $this->values[$from] : 1;
		$to = isset($this->values[$to]) ? $this->values[$to] : 1;
		return $value * ($to / $from);
	}
}
class Anything {
	function __call($name, $arguments) { return $name === 'getOrder' ? $GLOBALS['order'] : null; }
}
class Shop {
	public $currency, $load, $model_checkout_order, $response, $url, $config;
	function __construct() {
		$this->currency = new Currency;
		$this->load = $this->model_checkout_order = $this->response = $this->url = $this->config = new Anything;
	}
	`+recipe+`
}
$_SERVER['HTTP_X_PAYMENT_ORDER'] = '5';
foreach (array(array(120000.6, 'TOM', 1), array(120000.4, 'TOM', 1), array(120000, 'TOM', 1), array(120000.66, 'RLS', 10)) as list($total, $code, $value)) {
	$order = array('total' => $total, 'currency_code' => $code, 'currency_value' => $value, 'order_status_id' => 1);
	(new Shop)->callback();
}`)
			if want := "1200010 1200000 1200000 1200007"; out != want {
				t.Errorf("%s: %s, and the extension asks for %s", page, out, want)
			}
		}
	})
}

// With "declined pass" the shop hears of a payment that was not made, and OpenCart gives
// back what the order took from the stock only when the callback fails the order. An order
// that is paid, or further, stays as it is.
func TestOpenCartsRecipeFailsWhatIsNotPaid(t *testing.T) {
	t.Parallel()
	for page, recipe := range inBoth(t, "shops/opencart.md", regexp.MustCompile(`(?s)public function callback\(\) \{.*?\n}\n`)) {
		out := runPHP(t, `<?php
define('DIR_SYSTEM', __DIR__ . '/system/');
mkdir(DIR_SYSTEM . 'library', 0700, true);
file_put_contents(DIR_SYSTEM . 'library/payment-receipt.php', '<?php
	function payment_receipt($order, $amount, $options) { throw new UnexpectedValueException("there is no receipt"); }
	function payment_ack($receipt) { echo "acked "; }');
class Anything {
	function __call($name, $arguments) {
		if ($name === 'addOrderHistory') {
			echo "status {$arguments[1]} ";
		}
		if ($name === 'link') {
			return $arguments[0];
		}
		if ($name === 'redirect') {
			echo $arguments[0], "; ";
		}
		return $name === 'getOrder' ? $GLOBALS['order'] : 0;
	}
}
class Shop {
	public $currency, $load, $model_checkout_order, $response, $url, $config;
	function __construct() {
		$this->currency = $this->load = $this->model_checkout_order = $this->response = $this->url = $this->config = new Anything;
	}
	`+recipe+`
}
foreach (array(array('declined', 1), array('declined', 5), array('declined', 10), array('declined', null), array('verified', 1), array(null, 1)) as list($says, $status)) {
	unset($_SERVER['HTTP_X_PAYMENT_STATUS']);
	if ($says !== null) {
		$_SERVER['HTTP_X_PAYMENT_STATUS'] = $says;
	}
	$_SERVER['HTTP_X_PAYMENT_ORDER'] = '5';
	$order = $status === null ? null : array('total' => 1, 'currency_code' => 'RLS', 'currency_value' => 1, 'order_status_id' => $status);
	(new Shop)->callback();
}`)
		const failure = "checkout/failure; "
		if want := strings.TrimSpace("status 10 " + strings.Repeat(failure, 6)); out != want {
			t.Errorf("%s: %s, want %s", page, out, want)
		}
	}
}
