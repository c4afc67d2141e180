<?php
/*
 * The shop's books, in plain files: what each order costs, which are paid, and a line for everything that was credited.
 * Also how its code speaks to a provider. Used by the shop behind Caddy and by the one that has only a plugin.
 */
define('DIR', $_SERVER['SHOP_DIR']);

function card($what, $name)
{
    return DIR . "/$what-" . bin2hex($name);
}

/** The order's price in rials, or null: there is no such order. */
function price($order)
{
    $text = is_string($order) && strlen($order) < 100 ? @file_get_contents(card('order', $order)) : false;
    return $text === false ? null : (int) $text;
}

function is_paid($order)
{
    return file_exists(card('paid', $order));
}

/** Hands the goods over. How often this runs for an order is what counts. */
function credit($order, $amount, $id)
{
    file_put_contents(DIR . '/books', json_encode(array('order' => (string) $order, 'amount' => (int) $amount, 'id' => (string) $id),
        JSON_INVALID_UTF8_SUBSTITUTE) . "\n", FILE_APPEND | LOCK_EX);
    touch(card('paid', $order));
}

/**
 * Asks the provider; null is silence. What is asked at a return waits as briefly as published plugins do, scaled; what
 * makes a payment waits for a busy machine, too.
 */
function ask($path, array $fields, $wait = 1500)
{
    $call = curl_init($_SERVER['SHOP_BOX'] . $path);
    curl_setopt_array($call, array(
        CURLOPT_POST => true, CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT_MS => $wait, CURLOPT_POSTFIELDS => json_encode($fields),
        CURLOPT_HTTPHEADER => array('Content-Type: application/json', 'X-API-KEY: ' . $_SERVER['API_KEY']),
    ));
    $text = curl_exec($call);
    return is_string($text) ? json_decode($text, true) : null;
}

/** Starts a payment; array(id, address of the pay page). */
function create($provider, $order, $amount, $callback)
{
    if ($provider === 'idpay') {
        $made = ask('/idpay/v1.1/payment', array('order_id' => $order, 'amount' => $amount, 'callback' => $callback), 30000);
        return array($made['id'], $_SERVER['SHOP_BOX'] . parse_url($made['link'], PHP_URL_PATH));
    }
    if ($provider === 'sama') {
        $made = ask('/sama/api/pg/v2/payment/request.json/', array('merchant_id' => $_SERVER['MERCHANT_ID'], 'amount' => $amount, 'callback_url' => $callback), 30000);
        return array($made['data']['authority'], "$_SERVER[SHOP_BOX]/sama/pg/StartPay/" . $made['data']['authority']);
    }
    $made = ask("/$provider/invoice/request", array('api_key' => $_SERVER['API_KEY'], 'amount' => $amount, 'return_url' => $callback), 30000);
    return array($made['invoice_key'], "$_SERVER[SHOP_BOX]/$provider/invoice/pay/$made[invoice_key]");
}
