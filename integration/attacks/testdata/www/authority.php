<?php
/*
 * A return as plugins of Zarinpal's kind take it, here with Sama: the order stands in the return's own address, the
 * provider is told the payment and a sum, and answers neither order nor sum. The logic is published plugins', told anew.
 */
require __DIR__ . '/books.php';

$order = isset($_REQUEST['invoice']) ? $_REQUEST['invoice'] : '';
$price = price($order);
// Mistake: looked up without a lock.
if ($price === null || is_paid($order)) {
    exit('not accepted');
}
if ((isset($_REQUEST['Status']) ? $_REQUEST['Status'] : '') !== 'OK') {
    exit('not paid');
}
$id = isset($_REQUEST['Authority']) ? $_REQUEST['Authority'] : '';
// Mistake: that this payment was made for this order is never looked at. Any payment of the same sum will do (CVE-2026-2592).
$answer = ask('/sama/api/pg/v2/payment/verify.json/', array('merchant_id' => $_SERVER['MERCHANT_ID'], 'authority' => $id, 'amount' => $price));
// Mistake: exactly 100, as in strict.php.
if (!isset($answer['data']['code']) || $answer['data']['code'] != 100) {
    exit('not paid');
}
credit($order, $price, $id);
echo 'thank you';
