<?php
/*
 * Every page of the test's shop: it writes down what PHP was given, credits what Caddy calls verified, and then
 * behaves as the file "behave" in the test's directory says.
 */
$dir = $_SERVER['SHOP_DIR'];
$behave = json_decode((string) @file_get_contents("$dir/behave"), true) ?: array();

if (!empty($behave['session'])) {
    session_start();
    $_SESSION['visits'] = (isset($_SESSION['visits']) ? $_SESSION['visits'] : 0) + 1;
}
file_put_contents("$dir/seen", json_encode(array(
    'server' => $_SERVER,
    'get' => $_GET,
    'post' => $_POST,
    'request' => $_REQUEST,
    'cookie' => $_COOKIE,
    'session' => isset($_SESSION) ? $_SESSION : array(),
    'headers' => getallheaders(),
    'input' => file_get_contents('php://input'),
), JSON_INVALID_UTF8_SUBSTITUTE | JSON_UNESCAPED_SLASHES) . "\n", FILE_APPEND | LOCK_EX);

$die = isset($behave['die']) ? $behave['die'] : '';
if ($die === 'before') {
    posix_kill(getmypid(), 9);
}
if (isset($_SERVER['HTTP_X_PAYMENT_STATUS']) && $_SERVER['HTTP_X_PAYMENT_STATUS'] === 'verified') {
    file_put_contents("$dir/credits", "$_SERVER[HTTP_X_PAYMENT_PROVIDER] $_SERVER[HTTP_X_PAYMENT_ID] $_SERVER[HTTP_X_PAYMENT_DELIVERY]\n", FILE_APPEND | LOCK_EX);
}
if (!empty($behave['slow'])) {
    usleep($behave['slow'] * 1000);
}
if ($die === 'after') {
    posix_kill(getmypid(), 9);
}
if ($die === 'exit') {
    http_response_code(500);
    exit(1);
}
if (!empty($behave['ack'])) {
    header('X-Payment-Ack: ' . $_SERVER['HTTP_X_PAYMENT_ID']);
}
foreach (isset($behave['headers']) ? $behave['headers'] : array() as $line) {
    header($line);
}
if (isset($behave['status'])) {
    http_response_code($behave['status']);
}
if (isset($behave['location'])) {
    header("Location: $behave[location]", true, 303);
}
echo 'PHP answers ', $_SERVER['SCRIPT_NAME'], isset($_SESSION) ? " visit $_SESSION[visits]" : '';
