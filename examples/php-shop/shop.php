<?php
/*
 * What both pages share: a price list, a table of orders, and the call that makes a payment. A real shop has a database; here one
 * file with a lock stands for it, so that the example needs nothing but PHP. What matters is the same: reading an
 * order and writing "paid" happen under one lock (in SQL: in one transaction).
 */

$products = array(
    // Prices in toman, as shops keep them. The payment's amount is in rials: ten times that.
    'tea'    => array('چای بهاره', 95000),
    'saffron' => array('زعفران، یک مثقال', 640000),
);

/** Runs $change on all data, alone. $change takes the data by reference; what it returns is returned. */
function shop_data($change)
{
    $dir = isset($_SERVER['SHOP_DATA']) ? $_SERVER['SHOP_DATA'] : sys_get_temp_dir() . '/payments-php-shop';
    if (!is_dir($dir)) {
        mkdir($dir, 0700, true);
    }
    $file = fopen("$dir/shop.json", 'c+');
    flock($file, LOCK_EX);
    $data = json_decode(stream_get_contents($file), true);
    if (!is_array($data)) {
        $data = array('next' => 101, 'orders' => array(), 'credited' => array());
    }
    $result = $change($data);
    rewind($file);
    ftruncate($file, 0);
    fwrite($file, json_encode($data));
    fflush($file);
    fclose($file); // and gives the lock back
    return $result;
}

function shop_order($number)
{
    return shop_data(function (&$data) use ($number) {
        return isset($data['orders'][$number]) ? $data['orders'][$number] : null;
    });
}

/** Makes a payment at Zarinpal; its authority and the address of its pay page, or null. */
function zarinpal_create($order, $rials, $return)
{
    $answer = @file_get_contents($_SERVER['ZARINPAL_URL'] . '/pg/v4/payment/request.json', false, stream_context_create(array('http' => array(
        'method' => 'POST',
        'header' => "Content-Type: application/json\r\nAccept: application/json",
        'content' => json_encode(array('merchant_id' => $_SERVER['ZARINPAL_MERCHANT'], 'amount' => $rials,
            'callback_url' => $return, 'description' => "Order $order")),
        'timeout' => 15,
        'ignore_errors' => true,
    ))));
    $answer = json_decode((string) $answer, true);
    if (empty($answer['data']['authority'])) {
        return null;
    }
    // Browsers need not reach Zarinpal at the name that PHP reaches it at: in containers they don't.
    $browsers = isset($_SERVER['ZARINPAL_PAGES']) ? $_SERVER['ZARINPAL_PAGES'] : $_SERVER['ZARINPAL_URL'];
    return array('id' => $answer['data']['authority'], 'link' => $browsers . '/pg/StartPay/' . $answer['data']['authority']);
}

function h($text)
{
    return htmlspecialchars((string) $text, ENT_QUOTES, 'UTF-8');
}

function shop_page($title, $body)
{
    header('Content-Type: text/html; charset=utf-8');
    echo '<!doctype html><html lang="fa" dir="rtl"><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1"><title>', h($title), '</title>',
        '<style>body{max-width:34rem;margin:2rem auto;padding:0 1rem;font-family:Vazirmatn,Tahoma,"DejaVu Sans",sans-serif;line-height:1.9}',
        'button{font:inherit;padding:.3rem 1.2rem}li{margin:.6rem 0}</style><h1>', h($title), '</h1>', $body, '</html>';
}
