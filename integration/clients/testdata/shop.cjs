'use strict';
// A shop on Node.js around a published client, in the way the client's README shows:
// /pay starts a payment, /back is where the customer returns, and an order is credited
// when the client says "verified" for the first time. /said tells the test what was said.
const http = require('node:http');
const { createRequire } = require('node:module');

const { CLIENT, CLIENTS, MERCHANT, ORIGIN, PORT, PATIENCE } = process.env;
const load = createRequire(`${CLIENTS}/`);
const rials = 50000;

const shops = {
  'zarinpal-checkout'() {
    const client = load('zarinpal-checkout').createWithOptions(MERCHANT, { currency: 'IRT', timeoutMs: Number(PATIENCE) });
    return {
      async pay(callback) {
        const made = await client.PaymentRequest({ Amount: rials / 10, CallbackURL: callback, Description: 'order' });
        return made.status === 100 && made.url;
      },
      claims: (q) => q.get('Status') === 'OK',
      verify: async (q) => (await client.PaymentVerification({ Amount: rials / 10, Authority: q.get('Authority') })).status === 100,
      more: {
        list: async () => (await client.UnverifiedTransactions()).authorities.map((a) => a.authority),
        refresh: (q) => client.RefreshAuthority({ Authority: q.get('id'), Expire: 1800 }),
      },
    };
  },
  'zarinpal-node-sdk'() {
    const { ZarinPal } = load('zarinpal-node-sdk');
    const client = new ZarinPal({ merchantId: MERCHANT, sandbox: false });
    return {
      async pay(callback) {
        const made = await client.payments.create({ amount: rials, callback_url: callback, description: 'order' });
        return made.data.code === 100 && client.payments.getRedirectUrl(made.data.authority);
      },
      claims: (q) => q.get('Status') === 'OK',
      verify: async (q) => (await client.verifications.verify({ amount: rials, authority: q.get('Authority') })).data.code === 100,
      more: {
        list: async () => (await client.unverified.list()).data.authorities.map((a) => a.authority),
        inquire: async (q) => (await client.inquiries.inquire({ authority: q.get('id') })).data.status,
        reverse: async (q) => (await client.reversals.reverse({ authority: q.get('id') })).data.code,
      },
    };
  },
  zibal() {
    const Zibal = load('zibal');
    const client = new Zibal({ merchant: MERCHANT });
    return {
      async pay(callback, order) {
        const made = await client.request({ amount: rials, callbackUrl: callback, orderId: order });
        return made.success && made.paymentUrl;
      },
      claims: (q) => q.get('success') === '1',
      // The client sends what it is given, and the gateway takes numbers only. (Order 109 forgets that.)
      verify: async (q) => (await client.verify({ trackId: q.get('order') === '109' ? q.get('trackId') : Number(q.get('trackId')) })).success,
      more: {},
    };
  },
};

const shop = shops[CLIENT]();
const credits = [];

async function answer(url) {
  const q = url.searchParams;
  const name = url.pathname.slice(1);
  switch (name) {
    case 'said': return [200, JSON.stringify(credits)];
    case 'pay': {
      const page = await shop.pay(`${ORIGIN}/back?order=${q.get('order')}`, q.get('order'));
      return page ? [302, page] : [500, 'not started'];
    }
    case 'back':
      if (!shop.claims(q)) return [302, '/cart'];
      try {
        if (!await shop.verify(q)) return [302, '/cart?failed=1'];
      } catch (err) {
        return [302, '/cart?failed=2'];
      }
      credits.push(q.get('order'));
      return [302, `/order-received/${q.get('order')}`];
  }
  return shop.more[name] ? [200, JSON.stringify(await shop.more[name](q))] : [404, 'nothing here'];
}

http.createServer(async (req, res) => {
  let status, text;
  try {
    [status, text] = await answer(new URL(req.url, ORIGIN));
  } catch (err) {
    [status, text] = [500, String(err?.message ?? JSON.stringify(err))];
  }
  res.writeHead(status, status === 302 ? { location: text } : {});
  res.end(status === 302 ? '' : text);
}).listen(Number(PORT), '127.0.0.1', () => console.log('ready'));
