<?php
// The least that a shop in PHP can do for a product's page: nothing is read, nothing is looked up.
$title = htmlspecialchars($_SERVER['REQUEST_URI']);
echo "<!doctype html><title>$title</title>", str_repeat("<p>A page of a shop.</p>\n", 160);
