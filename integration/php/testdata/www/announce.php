<?php
require $_SERVER['HELPERS'] . '/payment-announce.php';

payment_announce($_POST['order'], $_POST['amount'], empty($_POST['return']) ? null : $_POST['return']);
header('Location: ' . $_POST['link'], true, 303);
