// Package caddyfile parses both `payments` blocks: the global option and the site
// directive. It turns them into the JSON of the app and of the site handler.
//
// It promises to refuse every mistake that can be found without loading the
// configuration, with the file and the line, and to say what to write instead. The
// wording comes from internal/block, which all blocks share.
package caddyfile
