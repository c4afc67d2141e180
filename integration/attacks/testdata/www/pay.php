<?php
// The shop's own way to the bank: it makes the payment, remembers its id and, where Caddy is asked to, announces it.
require __DIR__ . '/books.php';

$order = $_GET['order'];
$amount = price($order);
$back = $_SERVER['SHOP_ORIGIN'] . $_SERVER['SHOP_BACK'];
$back .= (strpos($back, '?') === false ? '?' : '&') . 'invoice=' . rawurlencode($order);
list($id, $link) = create($_SERVER['SHOP_PROVIDER'], $order, $amount, $back);
file_put_contents(card('token', $order), $id);
if ($_SERVER['SHOP_ANNOUNCES'] === 'yes') {
    header("X-Payment-Order: $order");
    header("X-Payment-Amount: $amount");
}
header("Location: $link", true, 303);
