<?php
require __DIR__ . '/../../../see.php';
