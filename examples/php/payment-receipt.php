<?php
/**
 * Checks the receipt that Caddy's payments module sends with a paid request.
 * One file, no dependency, PHP 5.6 and later.
 *
 *     require 'payment-receipt.php';
 *     $order   = find_order($_SERVER['HTTP_X_PAYMENT_ORDER']);           // your own code; only a look-up, not yet trust
 *     $receipt = payment_receipt($order->number, $order->total_in_rials, array(
 *         'key'      => getenv('PAYMENT_RECEIPT_KEY'),                    // printed by `caddy payments keys`
 *         'audience' => 'https://shop.example.com',
 *     ));
 *     // Here the order is paid. Credit it once per ($receipt['provider'], $receipt['id']): a UNIQUE key over both.
 *     payment_ack($receipt);
 *
 * Trust the receipt, never a plain header or a parameter: another way into this server may not pass Caddy.
 *
 * Options: key       the receipt key, or array(kid => key, ...) while keys are being changed; required
 *          audience  this shop's origin; leave it out only where no other shop shares the signing key
 *          sandbox   true accepts test payments: never in production
 *          jwt, now  for tests; default the request's X-Payment-Receipt, and the time
 *
 * @return array the claims: provider, id, order, item, amount (rials), reference, card, paid_at, track_id, ...
 * @throws UnexpectedValueException when this is no proof that this order was paid with this amount
 */
function payment_receipt($order, $amount, array $options)
{
    $options += array('jwt' => isset($_SERVER['HTTP_X_PAYMENT_RECEIPT']) ? $_SERVER['HTTP_X_PAYMENT_RECEIPT'] : '',
        'key' => '', 'audience' => null, 'sandbox' => false, 'now' => time());
    $parts = explode('.', (string) $options['jwt']) + array('', '', '');
    $head = json_decode(base64_decode(strtr($parts[0], '-_', '+/')), true);
    $claims = json_decode(base64_decode(strtr($parts[1], '-_', '+/')), true);
    $head = (is_array($head) ? $head : array()) + array('typ' => '', 'alg' => '', 'kid' => '');
    $key = $options['key'];
    if (is_array($key)) { // the kid chooses among our own keys, and nothing else
        $key = is_string($head['kid']) && isset($key[$head['kid']]) ? $key[$head['kid']] : '';
    }
    $mac = rtrim(strtr(base64_encode(hash_hmac('sha256', "$parts[0].$parts[1]", (string) $key, true)), '+/', '-_'), '=');
    $why = array(
        'there is no receipt, or it is malformed' => count($parts) === 3 && is_array($claims),
        'its type or algorithm is another' => $head['typ'] === 'payment-receipt+jwt' && $head['alg'] === 'HS256' && !isset($head['crit']),
        'no receipt key is configured for it' => is_string($key) && strlen($key) === 64,
        'its signature is wrong' => hash_equals($mac, $parts[2]),
        'it is from someone else' => isset($claims['iss']) && $claims['iss'] === 'caddy-payments',
        'it is for another shop' => $options['audience'] === null || (isset($claims['aud']) && $claims['aud'] === $options['audience']),
        'it has expired, or a clock is wrong' => isset($claims['exp'], $claims['iat']) && is_int($claims['exp']) && is_int($claims['iat'])
            && $options['now'] <= $claims['exp'] + 60 && $options['now'] >= $claims['iat'] - 60,
        'the payment is not verified, or already delivered' => isset($claims['status']) && $claims['status'] === 'verified',
        'it is a test payment' => isset($claims['environment']) && ($claims['environment'] === 'live' || ($options['sandbox'] === true && $claims['environment'] === 'sandbox')),
        'it is for another order' => isset($claims['order']) && is_string($claims['order']) && $claims['order'] === (string) $order,
        'it is for another amount' => isset($claims['amount']) && is_int($claims['amount']) && $claims['amount'] > 0 && (string) $claims['amount'] === (string) $amount,
    );
    if (($fault = array_search(false, $why, true)) !== false) {
        throw new UnexpectedValueException("X-Payment-Receipt: $fault");
    }
    return $claims;
}

/** Tells Caddy that the shop has credited this payment. Call it after the database has committed, before any output. */
function payment_ack(array $receipt)
{
    header('X-Payment-Ack: ' . $receipt['id']);
}
