<?php
/**
 * Tests the PHP helpers: php examples/php/test.php
 *
 * vectors.json was computed by vectors.py, apart from this code; the Go tests read the same file.
 */

error_reporting(-1);
set_error_handler(function ($number, $message, $file, $line) {
    throw new ErrorException($message, 0, $number, $file, $line); // a notice is a fault too
});
foreach (array('payment-key.php', 'payment-announce.php', 'payment-receipt.php') as $file) {
    require __DIR__ . '/' . $file;
}

$done = 0;
$faults = array();

function same($what, $want, $got)
{
    global $done, $faults;
    $done++;
    if ($want !== $got) {
        $faults[] = "$what\n    want " . var_export($want, true) . "\n    got  " . var_export($got, true);
    }
}

/** The message of the exception that $f throws; null if none. */
function thrown($class, $f)
{
    try {
        $f();
    } catch (Exception $e) {
        return $e instanceof $class ? $e->getMessage() : get_class($e) . ': ' . $e->getMessage();
    }
    return null;
}

$v = json_decode(file_get_contents(__DIR__ . '/vectors.json'), true);
$keys = array($v['kid'] => $v['keys']['receipt']);

foreach ($v['keys'] as $purpose => $key) {
    same("key $purpose", $key, payment_key($v['secret'], $purpose));
    if (function_exists('hash_hkdf')) {
        same("key $purpose, PHP's own HKDF", $key, bin2hex(hash_hkdf('sha256', $v['secret'], 32, "caddy-payments/v1/$purpose")));
    }
}

foreach ($v['returns'] as $r) {
    foreach (array('signed_url' => false, 'signed_url_short' => true) as $name => $short) {
        $warned = null;
        set_error_handler(function ($number, $message) use (&$warned) {
            $warned = $message;
            return true;
        });
        $got = payment_sign_return($r['url'], $r['route'], $r['provider'], $r['order'], $r['amount'], $v['keys']['return'], $r['ttl'], $short, $r['now'], $r['given_origin']);
        restore_error_handler();
        same("$name of $r[url]", $r[$name], $got);
        same("warning for $r[url], $name", strlen($r[$name]) > 250, $warned !== null);
    }
}
same('amount as text signs the same', $v['returns'][0]['signed_url'], payment_sign_return($v['returns'][0]['url'], '/callback', '24pal', 101, '50000', $v['keys']['return'], 86400, false, $v['returns'][0]['now']));

foreach ($v['accepted'] as $r) {
    $options = array('key' => $keys, 'audience' => $r['audience'], 'sandbox' => $r['sandbox'], 'jwt' => $r['jwt'], 'now' => $r['now']);
    same("accepted: $r[why]", null, thrown('Exception', function () use ($r, $options) {
        $claims = payment_receipt($r['order'], $r['amount'], $options);
        same("claims: $r[why]", array($r['order'], $r['amount']), array($claims['order'], $claims['amount']));
    }));
}
foreach ($v['refused'] as $r) {
    $options = array('key' => $keys, 'audience' => $r['audience'], 'sandbox' => $r['sandbox'], 'jwt' => $r['jwt'], 'now' => $r['now']);
    $message = thrown('UnexpectedValueException', function () use ($r, $options) {
        payment_receipt($r['order'], $r['amount'], $options);
    });
    same("refused: $r[why] (" . $message . ')', true, strpos((string) $message, 'X-Payment-Receipt: ') === 0);
}

$r = $v['accepted'][0];
$_SERVER['HTTP_X_PAYMENT_RECEIPT'] = $r['jwt'];
$claims = payment_receipt(101, '50000', array('key' => $v['keys']['receipt'], 'now' => $r['now']));
same('from the request, one key, no audience, loose types', $v['receipt']['claims'], $claims);
foreach (array('no key' => array(), 'an empty key' => array('key' => ''), 'the secret for a key' => array('key' => $v['secret']), 'no keys' => array('key' => array())) as $what => $options) {
    same($what, true, thrown('UnexpectedValueException', function () use ($options, $r) {
        payment_receipt('101', 50000, $options + array('now' => $r['now']));
    }) !== null);
}

// header() keeps no list on the command line: read the helpers once more into a namespace with a header() of its own.
$sent = array();
eval('namespace Heard; function header($line) { $GLOBALS["sent"][] = $line; }');
foreach (array('payment-announce.php', 'payment-receipt.php') as $file) {
    eval('namespace Heard; use InvalidArgumentException, UnexpectedValueException; ' . substr(file_get_contents(__DIR__ . '/' . $file), strlen('<?php')));
}
Heard\payment_announce('101', 50000);
same('announced', array('X-Payment-Order: 101', 'X-Payment-Amount: 50000'), $sent);
Heard\payment_announce(102, '50000', 'https://shop.example.com/back?a=1');
same('announced with a return', 'X-Payment-Return: https://shop.example.com/back?a=1', end($sent));
Heard\payment_ack($claims);
same('ack', 'X-Payment-Ack: ' . $claims['id'], end($sent));

$bad = array(
    'no order' => array('', 50000), 'order of 65 bytes' => array(str_repeat('a', 65), 50000), 'line feed' => array("101\n", 50000),
    'header injection' => array("101\r\nX-Payment-Amount: 1", 50000), 'blank before' => array(' 101', 50000), 'not UTF-8' => array("\xff", 50000),
    'control character beyond ASCII' => array("a\xc2\x85", 50000),
    'zero' => array('101', 0), 'negative' => array('101', -1), 'float' => array('101', 50000.5), 'whole float' => array('101', 50000.0), 'decimals' => array('101', '50000.00'),
    'leading zero' => array('101', '050000'), 'plus' => array('101', '+5'), 'exponent' => array('101', '5e4'), 'separators' => array('101', '50,000'),
    'Persian digits' => array('101', '۵۰۰۰۰'), 'null' => array('101', null), 'line feed after' => array('101', "5\n"),
);
foreach ($bad as $what => $args) {
    same("refused: $what", true, thrown('InvalidArgumentException', function () use ($args) {
        payment_announce($args[0], $args[1]);
    }) !== null);
}
same('64 bytes pass', null, thrown('Exception', function () {
    payment_check(str_repeat('a', 64), 1);
}));
foreach (array('/back', 'javascript:alert(1)', "https://shop.example.com/\r\nX: y", 'https://') as $url) {
    same("return $url", true, thrown('InvalidArgumentException', function () use ($url) {
        payment_announce('101', 50000, $url);
    }) !== null);
}
same('the secret is no return key', true, thrown('InvalidArgumentException', function () use ($v) {
    payment_sign_return('https://a/', '/', 'idpay', '1', 1, $v['secret']);
}) !== null);

// The helpers must stay readable for PHP 5.6: no newer syntax, no newer function.
$newer = array('T_COALESCE', 'T_COALESCE_EQUAL', 'T_SPACESHIP', 'T_FN', 'T_MATCH', 'T_ENUM', 'T_READONLY', 'T_ATTRIBUTE', 'T_NULLSAFE_OBJECT_OPERATOR', 'T_YIELD_FROM');
$functions = array('random_bytes', 'random_int', 'intdiv', 'hash_hkdf', 'array_key_first', 'array_key_last', 'is_iterable', 'is_countable', 'str_contains', 'str_starts_with', 'str_ends_with', 'hrtime', 'array_is_list');
foreach (array('payment-key.php', 'payment-announce.php', 'payment-receipt.php') as $file) {
    $source = file_get_contents(__DIR__ . '/' . $file);
    same("$file has no return types", 0, preg_match('/function[^{;]*\)\s*:/', $source));
    same("$file has no scalar type hints", 0, preg_match('/[(,]\s*\??(int|string|bool|float|iterable|object|mixed)\s+\$/', $source));
    foreach (token_get_all($source) as $token) {
        $name = is_array($token) ? token_name($token[0]) : $token;
        $text = is_array($token) ? $token[1] : $token;
        if (in_array($name, $newer, true) || in_array($text, $functions, true)) {
            same("$file in PHP 5.6", 'nothing newer', $text);
        }
    }
}

foreach ($faults as $fault) {
    echo "FAIL $fault\n";
}
echo count($faults) ? count($faults) . " of $done checks failed\n" : "ok: $done checks, PHP " . PHP_VERSION . "\n";
exit(count($faults) ? 1 : 0);
