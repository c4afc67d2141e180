// Package dashboard is the page on which a shop's people look after payments:
// what waits for somebody, why, and the buttons that decide. It needs no
// JavaScript and nothing from elsewhere.
package dashboard
