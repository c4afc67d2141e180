<?php
/*
 * A return as forgiving plugins take it, IDPay. The logic is that of published billing and shop plugins, told anew; each
 * mistake is marked. They do ask the provider, with the order's number, so that what IDPay itself refuses is refused here.
 */
require __DIR__ . '/books.php';

// Mistake: $_REQUEST, in which a field of the body hides the one in the query, and PHP's folded names count too.
$order = isset($_REQUEST['order_id']) ? $_REQUEST['order_id'] : '';
$id = isset($_REQUEST['id']) ? $_REQUEST['id'] : '';
$status = isset($_REQUEST['status']) ? $_REQUEST['status'] : '';
// Mistake: with the sum that the browser brought, or, where it brought none, with none.
$amount = isset($_REQUEST['amount']) ? $_REQUEST['amount'] : null;

if (price($order) === null) {
    http_response_code(200);
    exit("Invoice not found"); // Mistake: tells strangers which orders exist.
}
if ($status != 10) { // Mistake: compared loosely.
    exit('not paid');
}
$answer = ask('/idpay/v1.1/payment/verify', array('id' => $id, 'order_id' => $order));
// Mistake: silence is "not paid", for ever: nobody asks again.
if (!is_array($answer) || empty($answer['status']) || empty($answer['track_id']) || empty($answer['amount'])) {
    exit('not paid');
}
// Mistake: looked up without a lock, and after the question: two returns at once both find nothing.
if (file_exists(card('track', $answer['track_id']))) {
    exit('already noted');
}
// Mistake: everything from 100 up, so "already verified" (101) is as good as the first time. And the sum that was paid is
// compared with the browser's, as text that PHP makes numbers of, never with the order's price.
if ($answer['status'] < 100 || ($amount !== null && $answer['amount'] != $amount)) {
    exit('not paid');
}
usleep(30000); // the shop's own work: its database, the invoice
touch(card('track', $answer['track_id']));
credit($order, $answer['amount'], $id);
echo 'thank you';
