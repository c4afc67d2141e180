// Package handlers is the site handler, one file per job: the guard that every
// request of a site passes, and the routes for tracks, checkouts, returns and
// paid content. It reaches the engine through [App], which the payments app
// satisfies.
//
// One handler carries all routes of a site behind a prefilter that allocates
// nothing, because each matched route of its own would cost every other request
// of the site.
package handlers
