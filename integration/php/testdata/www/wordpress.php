<?php
// A minimal order plugin over WordPress' own HTTP API, whose files are WordPress' as
// Debian ships them. Of the rest of WordPress there is as much as that API asks for: two
// options and the site's name. Nothing but code 100 is taken for paid, each time.
error_reporting(E_ALL & ~E_DEPRECATED);
define('ABSPATH', $_SERVER['WORDPRESS'] . '/');
define('WPINC', 'wp-includes');
define('WP_DEBUG', false);
define('WP_CONTENT_DIR', '/nonexistent');
function get_bloginfo($show = '')
{
    return ['version' => $GLOBALS['wp_version'], 'url' => $_SERVER['SHOP_ORIGIN']][$show] ?? '';
}
function __($text)
{
    return $text;
}
foreach ([
    'version', 'load', 'class-wp-error', 'plugin', 'compat', 'functions', 'formatting', 'kses', 'http', 'class-wp-http', 'class-wp-http-streams',
    'class-wp-http-curl', 'class-wp-http-proxy', 'class-wp-http-cookie', 'class-wp-http-encoding', 'class-wp-http-response',
    'class-wp-http-requests-response', 'class-wp-http-requests-hooks',
] as $file) {
    require ABSPATH . WPINC . "/$file.php";
}
add_filter('pre_option', fn ($value, $name) => ['home' => $_SERVER['SHOP_ORIGIN'], 'siteurl' => $_SERVER['SHOP_ORIGIN'], 'blog_charset' => 'UTF-8'][$name] ?? '', 10, 2);

$dir = $_SERVER['SHOP_DIR'];
$behave = json_decode(@file_get_contents("$dir/behave") ?: '{}', true) ?: [];
$merchant = '6a7f99eb-7c20-4412-a972-6dfb7cd253a4';

function call($path, array $body)
{
    global $behave;
    $post = empty($behave['safe']) ? 'wp_remote_post' : 'wp_safe_remote_post';
    $args = ['body' => json_encode($body), 'headers' => ['Content-Type' => 'application/json']];
    if (isset($behave['timeout'])) {
        $args['timeout'] = $behave['timeout'];
    }
    $res = $post(($behave['gateway'] ?? $_SERVER['GATEWAY']) . $path, $args);
    return is_wp_error($res) ? ['error' => $res->get_error_message()] : json_decode(wp_remote_retrieve_body($res), true);
}

$order = $_GET['order'] ?? '';
if (($_GET['do'] ?? '') === 'pay') {
    setcookie('shop_session', 'of-' . $order);
    $made = call('/pg/v4/payment/request.json', [
        'merchant_id' => $merchant, 'amount' => 50000, 'callback_url' => $_SERVER['SHOP_ORIGIN'] . '/wordpress.php?order=' . urlencode($order), 'description' => 'order',
    ]);
    if (($made['data']['code'] ?? 0) === 100) {
        header('Location: https://payment.zarinpal.com/pg/StartPay/' . $made['data']['authority'], true, 302);
    } else {
        http_response_code(500);
        echo json_encode($made);
    }
    exit;
}
if (($_GET['Status'] ?? '') !== 'OK' || !empty($behave['session']) && empty($_COOKIE['shop_session'])) {
    header('Location: /cart', true, 302);
    exit;
}
$paid = call('/pg/v4/payment/verify.json', ['merchant_id' => $merchant, 'amount' => 50000, 'authority' => $_GET['Authority']]);
if (($paid['data']['code'] ?? 0) === 100) {
    file_put_contents("$dir/credits", $order . "\n", FILE_APPEND | LOCK_EX);
    header('Location: /order-received/' . $order, true, 302);
} else {
    header('Location: /cart?failed=1', true, 302);
}
