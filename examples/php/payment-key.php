<?php
/**
 * Derives the key of one purpose ('receipt' or 'return') from the signing key, as `caddy payments keys` does.
 * Better: give the shop only the derived keys, so that a hole in the shop can't sign what only Caddy may sign.
 *
 * It is HKDF-SHA256 (RFC 5869) without salt, for one block; PHP 7.1.2 has it as hash_hkdf(), older ones don't.
 * The result is text: 64 lower-case hex digits, used as the HMAC's key as they are.
 */
function payment_key($secret, $purpose)
{
    return hash_hmac('sha256', "caddy-payments/v1/$purpose\x01", hash_hmac('sha256', $secret, str_repeat("\0", 32), true));
}
