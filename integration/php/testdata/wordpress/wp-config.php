<?php
// What a WordPress is told of itself. Its files are Debian's, and so are not beside this one.
error_reporting(E_ALL & ~E_DEPRECATED);
define('ABSPATH', $_SERVER['WORDPRESS'] . '/');
define('DB_NAME', 'wordpress');
define('DB_USER', 'root');
define('DB_PASSWORD', '');
define('DB_HOST', 'localhost:' . $_SERVER['DB_SOCKET']);
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
define('WP_HOME', $_SERVER['SHOP_ORIGIN']);
define('WP_SITEURL', $_SERVER['SHOP_ORIGIN']);
define('WP_CONTENT_DIR', __DIR__ . '/wp-content');
define('DISABLE_WP_CRON', true);
define('WP_HTTP_BLOCK_EXTERNAL', false);
$table_prefix = 'wp_';
require ABSPATH . 'wp-settings.php';
