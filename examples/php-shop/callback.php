<?php
/*
 * The return from the bank. Before, this page called the provider's verify; now Caddy has done so, and the page checks Caddy's
 * receipt instead. It may be asked twice for one payment, and it may be asked by the server itself without any browser.
 */
require __DIR__ . '/shop.php';
require __DIR__ . '/../php/payment-receipt.php';

$number = isset($_SERVER['HTTP_X_PAYMENT_ORDER']) ? $_SERVER['HTTP_X_PAYMENT_ORDER'] : '';

try {
    $receipt = shop_data(function (&$data) use ($number) {
        if (!isset($data['orders'][$number])) {
            throw new UnexpectedValueException("no order $number");
        }
        $order = &$data['orders'][$number];
        $receipt = payment_receipt($order['number'], $order['toman'] * 10, array(
            'key' => $_SERVER['PAYMENT_RECEIPT_KEY'],
            'audience' => $_SERVER['PAYMENT_AUDIENCE'],
            'sandbox' => !empty($_SERVER['SHOP_TEST']),
        ));
        $once = $receipt['provider'] . ' ' . $receipt['id'];
        if (!isset($data['credited'][$once])) { // in SQL: UNIQUE (provider, id), and credit only if the INSERT did something
            $data['credited'][$once] = $order['number'];
            $order['paid'] = true;
        }
        return $receipt;
    });
} catch (UnexpectedValueException $e) {
    error_log($e->getMessage());
    http_response_code(403);
    exit('This payment could not be confirmed.');
}

payment_ack($receipt); // after the data is written
header('Location: /?order=' . rawurlencode($receipt['order']), true, 303);
