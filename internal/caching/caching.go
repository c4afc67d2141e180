// Package caching keeps answers about one person out of caches, in every dialect in which
// an origin tells them what to keep.
package caching

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Private keeps an answer about one person out of every cache but, where least is
// `private`, the browser's own.
//
// Its invariant: afterwards nothing in the header tells any cache to keep the
// answer, in any dialect that is known, and what forbade more than least does
// still stands there.
func Private(h http.Header, least string) {
	text := least
	for _, line := range h["Cache-Control"] {
		for word := range strings.SplitSeq(strings.ToLower(line), ",") {
			switch word = strings.Trim(word, " \t"); word {
			case "no-store", "no-cache", "must-revalidate", "no-transform":
				if !strings.Contains(text, word) {
					text += ", " + word
				}
			}
		}
	}
	h["Cache-Control"] = []string{text}
	for name := range h {
		if Keeping(name) {
			delete(h, name)
		}
	}
}

// Keeping reports whether a header is one by which an origin tells caches how
// long to keep an answer: HTTP/1.0's, those of proxies and networks, and the
// targeted ones of RFC 9213, whose names end in Cache-Control. Tags by which
// caches purge (Surrogate-Key, Cache-Tag) keep nothing.
func Keeping(name string) bool {
	switch name {
	case "Expires", "Age", "Surrogate-Control", "Edge-Control", "X-Accel-Expires", "X-Cache-Ttl", "X-Proxy-Cache-Ttl", "X-Varnish-Ttl":
		return true
	case "Cache-Control":
		return false
	}
	return strings.HasSuffix(name, "Cache-Control")
}

// Kept returns the header by which some cache may keep an answer, "" if none may: a
// Cache-Control without no-store or with what contradicts it, or a longer life in another
// dialect.
func Kept(h http.Header) string {
	said := words(h["Cache-Control"])
	if !said["no-store"] {
		return "Cache-Control"
	}
	for word := range said {
		// The first lets a cache set no-store aside, and some obey the others before it.
		if word == "must-understand" || word == "public" || strings.HasPrefix(word, "s-maxage") {
			return "Cache-Control"
		}
	}
	for name, values := range h {
		if Keeping(name) && name != "Age" && lives(name, values) {
			return name
		}
	}
	return ""
}

// lives reports whether a header gives an answer a life in caches. What can't be read may.
func lives(name string, values []string) bool {
	if name == "Expires" {
		for _, value := range values {
			// A date that is none has passed (RFC 9111, 5.3); a placeholder may become any.
			if at, err := http.ParseTime(value); err == nil && at.After(time.Now()) || strings.Contains(value, "{") {
				return true
			}
		}
		return false
	}
	said := words(values)
	if said["no-store"] || said["private"] {
		return false
	}
	for word := range said {
		if n, err := strconv.Atoi(strings.TrimPrefix(word, "max-age=")); word != "off" && word != "no-cache" && word != "must-revalidate" && (err != nil || n > 0) {
			return true
		}
	}
	return false
}

// words are the words of a header's lines.
func words(lines []string) map[string]bool {
	all := make(map[string]bool)
	for _, line := range lines {
		for word := range strings.SplitSeq(strings.ToLower(line), ",") {
			if word = strings.Trim(word, " \t"); word != "" {
				all[word] = true
			}
		}
	}
	return all
}
