package loopback

import "testing"

func TestIs(t *testing.T) {
	for host, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "shop.localhost": true, "127.0.0.1": true, "127.255.255.254": true, "::1": true, "[::1]": true, "::ffff:127.0.0.1": true,
		"": false, ".localhost.": false, "localhost.": false, "localhost.example.com": false, "notlocalhost": false, "0.0.0.0": false, "::": false,
		"126.255.255.255": false, "128.0.0.0": false, "127.1": false, "10.0.0.1": false, "127.0.0.1.example.com": false, "localhost:80": false,
	} {
		if Is(host) != want {
			t.Errorf("%q: %v", host, !want)
		}
	}
}
