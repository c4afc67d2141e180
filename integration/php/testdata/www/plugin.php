<?php
// A shop's payment page as published plugins write it: curl, one address, and nothing
// but code 100 is taken for paid. It knows nothing of who serves the address.
$dir = $_SERVER['SHOP_DIR'];
$behave = json_decode(@file_get_contents("$dir/behave") ?: '{}', true) ?: [];
$merchant = '6a7f99eb-7c20-4412-a972-6dfb7cd253a4';

function call($path, array $body, $timeout)
{
    $ch = curl_init($_SERVER['GATEWAY'] . $path);
    curl_setopt_array($ch, [
        CURLOPT_POST => true, CURLOPT_POSTFIELDS => json_encode($body), CURLOPT_RETURNTRANSFER => true,
        CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'Accept: application/json'], CURLOPT_TIMEOUT_MS => $timeout,
    ]);
    if (!empty($_SERVER['GATEWAY_AT'])) {
        // What a line in the hosts file and openssl.cafile do.
        curl_setopt_array($ch, [CURLOPT_RESOLVE => [$_SERVER['GATEWAY_AT']], CURLOPT_CAINFO => $_SERVER['GATEWAY_CA']]);
    }
    $answer = curl_exec($ch);
    file_put_contents($_SERVER['SHOP_DIR'] . '/calls', $path . ' ' . curl_getinfo($ch, CURLINFO_HTTP_CODE) . ' ' . curl_errno($ch) . "\n", FILE_APPEND | LOCK_EX);
    return json_decode($answer === false ? '' : $answer, true);
}

$order = $_GET['order'] ?? '';
if (($_GET['do'] ?? '') === 'pay') {
    $self = $_SERVER['SHOP_ORIGIN'] . '/plugin.php?do=back&order=' . urlencode($order) . '&key=k' . urlencode($order);
    $made = call('/pg/v4/payment/request.json', [
        'merchant_id' => $merchant, 'amount' => 50000, 'callback_url' => $self, 'description' => 'order', 'metadata' => ['order_id' => $order],
    ], 15000);
    if (($made['data']['code'] ?? 0) === 100) {
        // Some make the pay page's address from the API's.
        $pages = empty($behave['page']) ? 'https://payment.zarinpal.com' : $_SERVER['GATEWAY'];
        header('Location: ' . $pages . '/pg/StartPay/' . $made['data']['authority'], true, 302);
    } else {
        http_response_code(500);
        echo 'not started: ', json_encode($made);
    }
    exit;
}
$in = empty($behave['request']) ? $_GET : $_REQUEST; // many plugins read the latter
$order = $in['order'] ?? '';
if (($in['Status'] ?? '') !== 'OK') {
    header('Location: /cart', true, 302);
    exit;
}
if (!empty($behave['session']) && empty($_COOKIE['shop_session'])) {
    header('Location: /cart', true, 302); // it finds its order by the session
    exit;
}
usleep(($behave['waits'][$order] ?? $behave['wait'] ?? 0) * 1000);
$paid = call('/pg/v4/payment/verify.json', ['merchant_id' => $merchant, 'amount' => $behave['amount'] ?? 50000, 'authority' => $in['Authority'] ?? ''], $behave['timeouts'][$order] ?? $behave['timeout'] ?? 15000);
if (($paid['data']['code'] ?? 0) === 100) {
    file_put_contents("$dir/credits", $order . "\n", FILE_APPEND | LOCK_EX);
    if (!empty($behave['die'])) {
        http_response_code(500);
        exit;
    }
    if (!empty($behave['pages'][$order])) {
        echo str_repeat('thanks ', $behave['pages'][$order]); // a page of its own, and no redirect
        exit;
    }
    header('Location: /order-received/' . $order, true, 302);
} else {
    header('Location: /cart?failed=1', true, 302);
}
