<?php
// A careful shop's script: it checks its own signature, looks whether the payment is known, verifies it with the
// provider, compares everything and inserts it, durably and under unique keys. With MARKER it does what caddy-payments
// does: the attempt is durable before the provider is asked.
declare(strict_types=1);

function stop(int $status, string $why): never
{
    http_response_code($status);
    exit($why);
}

$id = $_GET['id'] ?? '';
$order = $_GET['payment_order'] ?? '';
$amount = $_GET['payment_amount'] ?? '';
$expires = $_GET['payment_expires'] ?? '';
if (!is_string($id) || !preg_match('/^[0-9a-f]{32}$/', $id) || ($_GET['order_id'] ?? '') !== $order || ($_GET['status'] ?? '') !== '10') {
    stop(400, 'malformed');
}
$signed = implode("\n", ['return-v2', 'http://' . $_SERVER['HTTP_HOST'], $_SERVER['ROUTE'], 'idpay', $order, $amount, $expires]);
if (!hash_equals(hash_hmac('sha256', $signed, $_SERVER['RETURN_KEY']), $_GET['payment_signature'] ?? '') || (int) $expires < time()) {
    stop(400, 'signature');
}

$db = new PDO('sqlite:' . $_SERVER['LEDGER'], null, null, [
    PDO::ATTR_PERSISTENT => true, PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_TIMEOUT => 30,
]);
$db->exec('PRAGMA journal_mode = WAL');
$db->exec('PRAGMA synchronous = FULL');
$db->exec('CREATE TABLE IF NOT EXISTS payments (
    id TEXT PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, state TEXT NOT NULL, amount INTEGER NOT NULL,
    number TEXT UNIQUE, reference TEXT, card TEXT, paid_at INTEGER, created_at INTEGER NOT NULL)');
$known = $db->prepare('SELECT state FROM payments WHERE id = ?');
$known->execute([$id]);
$state = $known->fetchColumn();
$known->closeCursor();
if ($state === 'paid') {
    stop(200, 'duplicate');
}
$marker = $_SERVER['MARKER'] !== '';
if ($marker && $state === false) {
    $db->prepare('INSERT INTO payments (id, order_id, state, amount, created_at) VALUES (?, ?, ?, ?, ?)')
        ->execute([$id, $order, 'verifying', (int) $amount, time()]);
}

$call = curl_init($_SERVER['PROVIDER']);
curl_setopt_array($call, [
    CURLOPT_POST => true, CURLOPT_RETURNTRANSFER => true, CURLOPT_TIMEOUT => 20,
    CURLOPT_POSTFIELDS => json_encode(['id' => $id, 'order_id' => $order]),
    CURLOPT_HTTPHEADER => ['Content-Type: application/json', 'X-API-KEY: ' . $_SERVER['API_KEY']],
]);
$text = curl_exec($call);
$answer = is_string($text) && curl_getinfo($call, CURLINFO_RESPONSE_CODE) === 200 ? json_decode($text, true) : null;
if (!is_array($answer)) {
    stop(502, 'no answer');
}
if (($answer['status'] ?? '') !== '100' || ($answer['id'] ?? '') !== $id || ($answer['order_id'] ?? '') !== $order || ($answer['amount'] ?? '') !== $amount) {
    stop(402, 'not paid');
}

$paid = [$answer['track_id'], $answer['payment']['track_id'], $answer['payment']['card_no'], (int) $answer['payment']['date']];
if ($marker) {
    $db->prepare("UPDATE payments SET state = 'paid', number = ?, reference = ?, card = ?, paid_at = ? WHERE id = ? AND state = 'verifying'")
        ->execute([...$paid, $id]);
} else {
    $db->prepare("INSERT INTO payments (number, reference, card, paid_at, id, order_id, state, amount, created_at)
        VALUES (?, ?, ?, ?, ?, ?, 'paid', ?, ?)")->execute([...$paid, $id, $order, (int) $amount, time()]);
}
echo 'ok';
