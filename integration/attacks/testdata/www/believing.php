<?php
// A return as the plugins take it that never ask (hardening's precedents from CVE-2026-0656 on): what the browser brings is
// the truth. Mistake: all of it.
require __DIR__ . '/books.php';

$order = isset($_REQUEST['order_id']) ? $_REQUEST['order_id'] : '';
$status = isset($_REQUEST['status']) ? $_REQUEST['status'] : '';
if (price($order) === null || is_paid($order) || ($status != 10 && $status != 100)) {
    exit('not paid');
}
credit($order, isset($_REQUEST['amount']) ? $_REQUEST['amount'] : price($order), isset($_REQUEST['id']) ? $_REQUEST['id'] : '');
echo 'thank you';
