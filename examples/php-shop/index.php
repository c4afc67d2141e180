<?php
/*
 * An old shop. Two things were added for the payments module: the require, and the line payment_announce().
 */
require __DIR__ . '/shop.php';
require __DIR__ . '/../php/payment-announce.php';

if ($_SERVER['REQUEST_METHOD'] === 'POST') {
    $sku = isset($_POST['sku']) && is_string($_POST['sku']) ? $_POST['sku'] : '';
    if (!isset($products[$sku])) {
        http_response_code(400);
        exit('no such product');
    }
    $order = shop_data(function (&$data) use ($sku, $products) {
        $number = (string) $data['next']++;
        $data['orders'][$number] = array('number' => $number, 'sku' => $sku, 'toman' => $products[$sku][1], 'paid' => false);
        return $data['orders'][$number];
    });
    $rials = $order['toman'] * 10;
    $return = 'http://' . $_SERVER['HTTP_HOST'] . '/callback.php';
    $payment = zarinpal_create($order['number'], $rials, $return);
    if ($payment === null) {
        http_response_code(502);
        shop_page('درگاه پاسخ نداد', '<p>چیزی پرداخت نشده است. <a href="/">دوباره تلاش کنید</a>.</p>');
        exit;
    }
    payment_announce($order['number'], $rials, $return); // <- new: Caddy now knows order and price of this payment
    header('Location: ' . $payment['link'], true, 303);
    exit;
}

if (isset($_GET['order']) && is_string($_GET['order']) && ($order = shop_order($_GET['order'])) !== null) {
    shop_page('سفارش ' . $order['number'], '<p id="state">' . ($order['paid'] ? 'پرداخت شد. سپاس!' : 'هنوز پرداخت نشده است.') . '</p><p><a href="/">فروشگاه</a></p>');
    exit;
}

$list = '';
foreach ($products as $sku => $product) {
    $list .= '<li><form method="post">' . h($product[0]) . '، ' . number_format($product[1]) . ' تومان '
        . '<button name="sku" value="' . h($sku) . '">خرید</button></form></li>';
}
shop_page('چای و زعفران', "<ul>$list</ul>");
