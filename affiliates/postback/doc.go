// Package postback reports conversions to any network that takes a URL, a form or
// JSON. What differs between networks is data: presets.json holds those that are
// known by name, and the module `postback` is told everything by its configuration.
package postback
