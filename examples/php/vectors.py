#!/usr/bin/env python3
"""Writes vectors.json: what every implementation of the keys, the signed return and the receipt must agree on.

Written from the manual with hashlib and hmac alone, apart from the Go code and from the PHP helpers.
"""
import base64
import hashlib
import hmac
import json
import os
import urllib.parse

SECRET = "0123456789abcdef0123456789abcdef"
NOW = 1767225600  # 2026-01-01 00:00:00 UTC


def derive(secret, purpose):
    prk = hmac.new(b"\0" * 32, secret.encode(), hashlib.sha256).digest()
    return hmac.new(prk, f"caddy-payments/v1/{purpose}".encode() + b"\x01", hashlib.sha256).hexdigest()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def dump(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def jws(header, claims, key, digest=hashlib.sha256):
    text = b64(dump(header)) + "." + b64(dump(claims))
    return text + "." + b64(hmac.new(key.encode(), text.encode(), digest).digest())


def quote(text):
    safe = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.~"
    return "".join(chr(b) if b in safe else f"%{b:02X}" for b in text.encode())


KEYS = {p: derive(SECRET, p) for p in ("return", "receipt", "track", "bounce", "paid", "lookup")}
KID = hashlib.sha256(SECRET.encode()).hexdigest()[:8]


def mac(text):
    return hmac.new(KEYS["return"].encode(), text.encode(), hashlib.sha256).hexdigest()


def signed(url, route, provider, order, amount, ttl=86400, origin=None):
    expires = NOW + ttl
    given = origin
    if origin is None:
        parts = urllib.parse.urlsplit(url)
        port = "" if parts.port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{parts.port}"
        origin = f"{parts.scheme}://{parts.hostname}{port}"
    text = "\n".join(["return-v2", origin, route, provider, order, str(amount), str(expires)])
    signature = mac(text)
    query = f"payment_order={quote(order)}&payment_amount={amount}&payment_expires={expires}&payment_signature="
    base = url.split("#")[0] + ("&" if "?" in url.split("#")[0] else "?") + query
    return {
        "url": url, "origin": origin, "given_origin": given, "route": route, "provider": provider, "order": order, "amount": amount, "now": NOW, "ttl": ttl,
        "expires": expires, "text": text, "signature": signature, "signed_url": base + signature,
        "signed_url_short": base + signature[:32],
    }


HEADER = {"alg": "HS256", "typ": "payment-receipt+jwt", "kid": KID}
CLAIMS = {
    "iss": "caddy-payments", "aud": "https://shop.example.com", "iat": NOW, "exp": NOW + 300,
    "jti": "0123456789abcdefghjkmnpqrs.1",
    "status": "verified", "provider": "idpay", "id": "d2e353189823079e1e4181772cff5292", "order": "101", "item": "mug",
    "amount": 50000, "currency": "IRR", "paid": 50000, "amount_checked": "intent", "environment": "live",
    "reference": "888001", "card": "123456******1234", "paid_at": "2025-12-31T23:59:30Z",
    "track_id": "064ee72930404724974761b0b41e9e49", "delivery": 1, "via": "browser",
}


def receipt(why, header=None, claims=None, key=KEYS["receipt"], **ask):
    h, c = dict(HEADER, **(header or {})), dict(CLAIMS, **(claims or {}))
    h, c = ({k: v for k, v in d.items() if v is not ...} for d in (h, c))
    case = {"why": why, "jwt": jws(h, c, key), "order": "101", "amount": 50000, "audience": CLAIMS["aud"], "now": NOW + 1,
            "sandbox": False}
    case.update(ask)
    return case


good = receipt("as sent by Caddy")
head, body, seal = good["jwt"].split(".")
accepted = [
    good,
    receipt("expired less than a minute ago: clocks differ", now=NOW + 300 + 60),
    receipt("issued less than a minute from now", now=NOW - 60),
    receipt("a test payment where it is welcome", claims={"environment": "sandbox"}, sandbox=True),
    receipt("only the claims that are always there", claims={k: ... for k in ("item", "paid", "reference", "card", "paid_at", "track_id")}),
    receipt("an order with Persian letters and a sum beyond 32 bits", claims={"order": "سفارش-۱۲", "amount": 50000000000},
            order="سفارش-۱۲", amount=50000000000),
]
refused = [
    receipt("nothing", jwt=""),
    receipt("two parts", jwt=head + "." + body),
    receipt("four parts", jwt=good["jwt"] + ".AA"),
    receipt("no JSON", jwt="bm9wZQ." + body + "." + seal),
    receipt("alg none", jwt=b64(dump(dict(HEADER, alg="none"))) + "." + body + "."),
    receipt("alg none, with a signature", header={"alg": "none"}),
    receipt("alg HS512, rightly signed", jwt=jws(dict(HEADER, alg="HS512"), CLAIMS, KEYS["receipt"], hashlib.sha512)),
    receipt("alg says HS512", header={"alg": "HS512"}),
    receipt("no alg", header={"alg": ...}),
    receipt("typ of a plain JWT", header={"typ": "JWT"}),
    receipt("typ of the buyer's cookie", header={"typ": "payment-paid+jwt"}),
    receipt("no typ", header={"typ": ...}),
    receipt("a critical extension", header={"crit": ["b64"], "b64": False}),
    receipt("signed with the return key, which a shop has too", key=KEYS["return"]),
    receipt("signed with the secret itself", key=SECRET),
    receipt("signed with an empty key", key=""),
    receipt("signature cut", jwt=good["jwt"][:-2]),
    receipt("no signature", jwt=head + "." + body + "."),
    receipt("claims changed after signing", jwt=head + "." + b64(dump(dict(CLAIMS, amount=5000000))) + "." + seal, amount=5000000),
    receipt("an unknown kid", header={"kid": "another"}),
    receipt("another issuer", claims={"iss": "someone"}),
    receipt("no issuer", claims={"iss": ...}),
    receipt("another shop's", claims={"aud": "https://other.example.com"}),
    receipt("no audience", claims={"aud": ...}),
    receipt("expired", now=NOW + 300 + 61),
    receipt("from the future", now=NOW - 61),
    receipt("no expiry", claims={"exp": ...}),
    receipt("delivered before", claims={"status": "duplicate"}),
    receipt("declined", claims={"status": "declined"}),
    receipt("no status", claims={"status": ...}),
    receipt("a test payment", claims={"environment": "sandbox"}),
    receipt("no environment", claims={"environment": ...}),
    receipt("an unknown environment, even where tests are welcome", claims={"environment": "staging"}, sandbox=True),
    receipt("another order", order="102"),
    receipt("an order that only looks equal as a number", order="0101"),
    receipt("another order that is a number", claims={"order": 101}),
    receipt("no order", claims={"order": ...}, order=""),
    receipt("ten times the amount: rial and toman", amount=500000),
    receipt("a tenth of the amount", amount=5000),
    receipt("an amount as text", claims={"amount": "50000"}),
    receipt("a negative amount", claims={"amount": -50000}, amount=-50000),
    receipt("no amount", claims={"amount": ...}),
]

vectors = {
    "secret": SECRET, "kid": KID, "keys": KEYS,
    "returns": [
        signed("https://shop.example.com/callback", "/callback", "24pal", "101", 50000),
        signed("https://shop.example.com/?wc-api=wc_idpay&wc_order=5", "/", "idpay", "5", 1200000),
        signed("https://shop.example.com/back#top", "/back", "poolam", "A 7/سفارش&x=1+2", 10000, 600),
        signed("HTTPS://Shop.Example.com:443/a/callback", "/callback", "24pal", "7", 10000),
        signed("http://shop.example.com:8080/callback", "/callback", "24pal", "7", 10000),
        signed("https://shop.example.com/b/callback", "/callback", "24pal", "7", 10000, origin="https://shop.example.com/b"),
    ],
    "receipt": {"header": HEADER, "claims": CLAIMS},
    "accepted": accepted,
    "refused": refused,
}

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors.json"), "w", encoding="utf-8", newline="\n") as f:
    json.dump(vectors, f, ensure_ascii=False, indent=1)
    f.write("\n")
