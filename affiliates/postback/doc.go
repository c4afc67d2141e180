// Package postback reports conversions to any network that takes a URL, a form or JSON.
//
// The differences between networks are data: presets.json describes the networks that
// have a name of their own, and the configuration of the module `postback` describes
// any other.
package postback
