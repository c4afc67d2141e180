<?php
// The shop behind Caddy as its manual wants it: it believes the receipt, for the order and the price on its own books, once.
require __DIR__ . '/books.php';
require $_SERVER['HELPERS'] . '/payment-receipt.php';
require $_SERVER['HELPERS'] . '/payment-key.php';

$order = isset($_SERVER['HTTP_X_PAYMENT_ORDER']) ? $_SERVER['HTTP_X_PAYMENT_ORDER'] : '';
if (isset($_SERVER['HTTP_X_PAYMENT_RECEIPT'])) {
    file_put_contents(DIR . '/receipt', $_SERVER['HTTP_X_PAYMENT_RECEIPT']);
}
try {
    $receipt = payment_receipt($order, price($order), array('key' => payment_key($_SERVER['SIGNING_KEY'], 'receipt'), 'audience' => $_SERVER['SHOP_ORIGIN']));
} catch (UnexpectedValueException $e) {
    http_response_code(403);
    exit('refused');
}
if (@fopen(card('receipt', "$receipt[provider] $receipt[id]"), 'x')) { // a UNIQUE key in a database
    credit($order, $receipt['amount'], $receipt['id']);
}
payment_ack($receipt);
echo 'thank you';
