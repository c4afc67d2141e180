<?php
/*
Plugin Name: Shop orders
Description: Orders paid at Zarinpal, verified by the plugin itself, as published plugins do it: code 100 alone is paid.
*/
// Each order carries switches of its own, as if each were of another shop: which of
// WordPress' two functions asks (safe), how long it waits (timeout), whether the return
// needs its customer's cookie (session), whether each "100" is credited (every), and
// another address of the gateway's (gateway).

register_activation_hook(__FILE__, function () {
    global $wpdb;
    require_once ABSPATH . 'wp-admin/includes/upgrade.php';
    dbDelta("CREATE TABLE {$wpdb->prefix}shop_orders (
        id bigint(20) NOT NULL,
        status varchar(20) NOT NULL,
        amount bigint(20) NOT NULL,
        authority varchar(64) NOT NULL,
        switches text NOT NULL,
        PRIMARY KEY  (id)
    ) {$wpdb->get_charset_collate()};");
    dbDelta("CREATE TABLE {$wpdb->prefix}shop_credits (
        id bigint(20) NOT NULL AUTO_INCREMENT,
        order_id bigint(20) NOT NULL,
        ref_id varchar(64) NOT NULL,
        PRIMARY KEY  (id)
    ) {$wpdb->get_charset_collate()};");
});

function shop_orders_call(array $switches, $path, array $body)
{
    $post = empty($switches['safe']) ? 'wp_remote_post' : 'wp_safe_remote_post';
    $body = ['merchant_id' => get_option('shop_orders_merchant')] + $body;
    $args = ['body' => wp_json_encode($body), 'headers' => ['Content-Type' => 'application/json']];
    if (!empty($switches['timeout'])) {
        $args['timeout'] = (int) $switches['timeout'];
    }
    $res = $post(($switches['gateway'] ?? get_option('shop_orders_gateway')) . '/pg/v4/payment/' . $path . '.json', $args);
    if (is_wp_error($res)) {
        return ['error' => $res->get_error_message()];
    }
    return json_decode(wp_remote_retrieve_body($res), true);
}

function shop_orders_leave($to)
{
    nocache_headers();
    wp_redirect($to);
    exit;
}

function shop_orders_pay($id)
{
    global $wpdb;
    $switches = array_intersect_key(wp_unslash($_GET), array_flip(['safe', 'timeout', 'session', 'every', 'gateway']));
    $made = shop_orders_call($switches, 'request', [
        'amount' => 50000,
        'callback_url' => add_query_arg(['shop-api' => 'back', 'order' => $id], home_url('/')),
        'description' => "order $id",
    ]);
    if (($made['data']['code'] ?? 0) !== 100) {
        wp_send_json($made, 500);
    }
    $wpdb->replace($wpdb->prefix . 'shop_orders', [
        'id' => $id, 'status' => 'pending', 'amount' => 50000, 'authority' => $made['data']['authority'], 'switches' => wp_json_encode($switches),
    ]);
    setcookie('shop_order', wp_hash("order $id"), 0, '/', '', false, true);
    shop_orders_leave('https://payment.zarinpal.com/pg/StartPay/' . $made['data']['authority']);
}

function shop_orders_back($id)
{
    global $wpdb;
    $order = $wpdb->get_row($wpdb->prepare("SELECT * FROM {$wpdb->prefix}shop_orders WHERE id = %d", $id));
    if (!$order) {
        wp_die('no such order', 404);
    }
    $switches = json_decode($order->switches, true);
    $known = !empty($_COOKIE['shop_order']) && hash_equals(wp_hash("order $id"), $_COOKIE['shop_order']);
    if (($_GET['Status'] ?? '') !== 'OK' || !empty($switches['session']) && !$known) {
        shop_orders_leave(home_url('/cart/'));
    }
    $paid = shop_orders_call($switches, 'verify', ['amount' => (int) $order->amount, 'authority' => sanitize_text_field(wp_unslash($_GET['Authority']))]);
    if (($paid['data']['code'] ?? 0) !== 100) {
        $wpdb->update($wpdb->prefix . 'shop_orders', ['status' => 'failed'], ['id' => $id, 'status' => 'pending']);
        shop_orders_leave(home_url('/cart/?failed=1'));
    }
    if (!empty($switches['every']) || $order->status !== 'completed') {
        $wpdb->insert($wpdb->prefix . 'shop_credits', ['order_id' => $id, 'ref_id' => $paid['data']['ref_id']]);
    }
    $wpdb->update($wpdb->prefix . 'shop_orders', ['status' => 'completed'], ['id' => $id]);
    shop_orders_leave(home_url("/order-received/$id/"));
}

add_action('template_redirect', function () {
    global $wpdb;
    $id = (int) ($_GET['order'] ?? 0);
    switch ($_GET['shop-api'] ?? '') {
        case 'pay':
            shop_orders_pay($id);
        case 'back':
            shop_orders_back($id);
        case 'order': // what the owner's list of orders shows
            wp_send_json([
                'status' => $wpdb->get_var($wpdb->prepare("SELECT status FROM {$wpdb->prefix}shop_orders WHERE id = %d", $id)),
                'credits' => (int) $wpdb->get_var($wpdb->prepare("SELECT COUNT(*) FROM {$wpdb->prefix}shop_credits WHERE order_id = %d", $id)),
            ]);
    }
}, 1);
