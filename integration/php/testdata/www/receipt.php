<?php
/*
 * A shop that trusts the receipt and nothing else. The test says in "belief" which order and amount the shop has on its
 * books, and with which key and audience it checks.
 */
require $_SERVER['HELPERS'] . '/payment-receipt.php';
require $_SERVER['HELPERS'] . '/payment-key.php';

$dir = $_SERVER['SHOP_DIR'];
$belief = json_decode((string) @file_get_contents("$dir/belief"), true) ?: array();
$order = isset($belief['order']) ? $belief['order'] : (isset($_SERVER['HTTP_X_PAYMENT_ORDER']) ? $_SERVER['HTTP_X_PAYMENT_ORDER'] : '');
$amount = isset($belief['amount']) ? $belief['amount'] : 50000;
$options = array(
    'key' => payment_key(isset($belief['secret']) ? $belief['secret'] : $_SERVER['SIGNING_KEY'], 'receipt'),
    'audience' => isset($belief['audience']) ? $belief['audience'] : $_SERVER['ORIGIN'],
);
if (isset($_SERVER['HTTP_X_PAYMENT_RECEIPT'])) {
    file_put_contents("$dir/receipt", $_SERVER['HTTP_X_PAYMENT_RECEIPT']);
}
if (isset($belief['jwt'])) {
    $options['jwt'] = $belief['jwt'];
}
try {
    $receipt = payment_receipt($order, $amount, $options);
} catch (UnexpectedValueException $e) {
    if (empty($belief['polite'])) {
        http_response_code(403);
    }
    exit($e->getMessage());
}
file_put_contents("$dir/credits", "$receipt[provider] $receipt[id] $receipt[order] $receipt[amount]\n", FILE_APPEND | LOCK_EX);
if (empty($belief['silent'])) {
    payment_ack($receipt);
}
echo 'thank you';
