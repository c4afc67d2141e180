<?php
// The shop behind Caddy as simple as a shop can be, for every address: it credits what Caddy calls verified, checks nothing
// and remembers nothing. It also writes down what PHP was given, and behaves as the test says.
require __DIR__ . '/books.php';

if (isset($_SERVER['HTTP_X_PAYMENT_STATUS']) && $_SERVER['HTTP_X_PAYMENT_STATUS'] === 'verified') {
    credit($_SERVER['HTTP_X_PAYMENT_ORDER'], $_SERVER['HTTP_X_PAYMENT_AMOUNT'], $_SERVER['HTTP_X_PAYMENT_ID']);
}
require $_SERVER['SEE'];
