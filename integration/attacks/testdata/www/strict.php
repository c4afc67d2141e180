<?php
/*
 * A return as careful plugins take it, IDPay: they keep the payment's id with the order and compare the price. What is left
 * is what goes wrong when something breaks or comes twice at once. The logic is published plugins', told anew.
 */
require __DIR__ . '/books.php';

$order = isset($_REQUEST['order_id']) ? $_REQUEST['order_id'] : '';
$id = isset($_REQUEST['id']) ? $_REQUEST['id'] : '';
$price = price($order);
// Mistake: looked up without a lock: two returns at once both find the order unpaid.
if ($price === null || is_paid($order) || @file_get_contents(card('token', $order)) !== $id) {
    exit('not accepted');
}
if ((isset($_REQUEST['status']) ? $_REQUEST['status'] : '') != 10) {
    exit('not paid');
}
$answer = ask('/idpay/v1.1/payment/verify', array('id' => $id, 'order_id' => $order));
// Mistake: exactly 100. Whoever verified but did not get the answer is told 101 the next time, and the paid order is lost.
if (!is_array($answer) || empty($answer['status']) || $answer['status'] != 100 || empty($answer['track_id'])) {
    exit('not paid');
}
// Mistake: compared after the provider was told to take the money. What differs is refused, and the money stays.
if ($answer['amount'] != $price) {
    exit('not paid');
}
credit($order, $answer['amount'], $id);
echo 'thank you';
