// Package caddyfile is the grammar of both `payments` blocks, the global option and
// the site directive. It turns them into the JSON of the app and of the site handler,
// and refuses with the file and the line whatever can be seen to be wrong without
// loading it, naming what to write instead. Its words and errors come from
// internal/block, like those of every other block.
package caddyfile
