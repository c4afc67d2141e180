<?php
/**
 * Tells Caddy's payments module which order a payment is for, and its price. PHP 5.6 and later.
 *
 * Announcing is the better way: two headers beside the redirect to the bank, which passes through Caddy anyway.
 *
 *     require 'payment-announce.php';
 *     payment_announce('101', 50000);                    // the order, its price in rials
 *     header('Location: ' . $pay_url);                   // as before
 *     exit;
 *
 * The redirect has to be this very response: a page that redirects by JavaScript is not seen.
 *
 * @param string|int      $order  1 to 64 bytes, without control characters
 * @param string|int      $amount rials, a whole number. Toman? Multiply by ten first.
 * @param string|null     $return the return URL that the provider was given: payments of customers who never come back are
 *                                then settled and handed over too
 */
function payment_announce($order, $amount, $return = null)
{
    payment_check($order, $amount);
    header("X-Payment-Order: $order");
    header("X-Payment-Amount: $amount");
    if ($return !== null) {
        if (!preg_match('#\Ahttps?://[^\s\x00-\x20\x7f]+\z#', $return)) {
            throw new InvalidArgumentException('payment: the return address must be an absolute URL');
        }
        header("X-Payment-Return: $return");
    }
}

/**
 * For shops whose redirect doesn't pass through Caddy (`expect signed`): the return URL to give to the provider, with
 * order and price signed.
 *
 *     $return_url = payment_sign_return('https://shop.example.com/callback', '/callback', '24pal', '101', 50000,
 *         getenv('PAYMENT_RETURN_KEY'));                 // printed by `caddy payments keys`
 *
 * @param string $route    the path of the Caddyfile's `verify`, as written there (the first, if it has several; '/' if it
 *                         has only a matcher)
 * @param string $provider the provider's name in the Caddyfile
 * @param string $key      the return key
 * @param int    $ttl      how long the price stands, in seconds. Not how long the customer may take: whoever pays later
 *                         is not lost, but waits for a person. A day is right for nearly everybody.
 * @param bool   $short    32 digits of signature instead of 64, for providers that keep only 255 bytes of URL
 * @param string|null $origin the Caddyfile's public_url, where it has one with a path; else it is taken from $url
 */
function payment_sign_return($url, $route, $provider, $order, $amount, $key, $ttl = 86400, $short = false, $now = null, $origin = null)
{
    payment_check($order, $amount);
    if (!is_string($key) || !preg_match('/\A[0-9a-f]{64}\z/', $key)) {
        throw new InvalidArgumentException('payment: the return key must be the 64 hex digits that `caddy payments keys` prints');
    }
    $expires = ($now === null ? time() : $now) + $ttl;
    $signature = hash_hmac('sha256', implode("\n", array('return-v2', payment_origin($origin === null ? $url : $origin, $origin !== null), $route, $provider, $order, $amount, $expires)), $key);
    $query = 'payment_order=' . rawurlencode($order) . "&payment_amount=$amount&payment_expires=$expires"
        . '&payment_signature=' . ($short ? substr($signature, 0, 32) : $signature);
    $fragment = strpos($url, '#');
    if ($fragment !== false) {
        $url = substr($url, 0, $fragment); // a fragment never reaches a server
    }
    $signed = $url . (strpos($url, '?') === false ? '?' : '&') . $query;
    if (strlen($signed) > 250) {
        trigger_error('payment: the return URL has ' . strlen($signed) . ' bytes; some providers cut it at 255.'
            . ($short ? '' : ' Pass $short = true.'), E_USER_WARNING);
    }
    return $signed;
}

/** @internal The site that the signature is for: scheme, host and a port that is not the scheme's. */
function payment_origin($url, $whole)
{
    $parts = parse_url($url);
    if (!is_array($parts) || empty($parts['scheme']) || empty($parts['host'])) {
        throw new InvalidArgumentException('payment: the return address must be an absolute URL');
    }
    if ($whole) {
        return rtrim($url, '/');
    }
    $scheme = strtolower($parts['scheme']);
    $origin = $scheme . '://' . strtolower($parts['host']);
    if (isset($parts['port']) && $parts['port'] !== ($scheme === 'https' ? 443 : 80)) {
        $origin .= ':' . $parts['port'];
    }
    return $origin;
}

/** @internal */
function payment_check($order, $amount)
{
    $order = (string) $order;
    // With /u a text that isn't UTF-8 doesn't match either. Blanks at the ends would be cut off in a header.
    if (strlen($order) > 64 || trim($order) !== $order || !preg_match('/\A[^\x{0}-\x{1f}\x{7f}-\x{9f}]+\z/u', $order)) {
        throw new InvalidArgumentException('payment: the order must have 1 to 64 bytes of UTF-8, no control characters, no blanks around it');
    }
    if (!(is_int($amount) || is_string($amount)) || !preg_match('/\A[1-9][0-9]{0,14}\z/', (string) $amount)) {
        throw new InvalidArgumentException('payment: the amount must be a whole number of rials');
    }
}
