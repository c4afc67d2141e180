package harness

// Twins are parameters that PHP, or whoever reads the last or the first of two,
// takes for one of IDPay's; other is another payment's id. Beside a genuine
// return of order 101 each says something else than it.
func Twins(other string) []string {
	return []string{
		"order.id=9", "order%2Eid=9", "order%20id=9", "order+id=9", "order[id=9", "order%5Bid=9", "order_id[]=9", "order_id%5B%5D=9",
		"order_id[x]=9", "order_id[x][y]=9", "%20order_id=9", "+order_id=9", "%6frder_id=9", "order_id%00=9", "order_id%00x=9",
		"order_id=9", "order_id=", "order_id", "id=" + other, "id[]=" + other, "status=100", "status[]=1", "amount=1&amount=2", "amount[]=1",
		"track_id=1", "track.id=1", "payment_bounce[]=1", "payment.order=1", "payment.ref=1",
	}
}
