// Package dashboard serves the page on which the shop's staff look after payments: what
// waits for a person, why, and the buttons that decide.
//
// It promises to work without JavaScript, to load nothing from other hosts, and to
// answer only requests that an earlier handler has authenticated.
package dashboard
