// Package clients runs published clients of gateways as a shop's plugin, unmodified,
// through the relay: npm packages that their authors publish for shops on Node.js. Only
// the machine's idea of where a gateway's name leads is changed, as a line in the hosts
// file would. testdata/package-lock.json pins them with their checksums; they are
// fetched with npm when the tests run, and nothing of this module depends on them.
package clients
