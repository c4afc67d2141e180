// Package nearest finds the known word that is closest to a misspelt one, so that an
// error can suggest it.
package nearest

import "strings"

// maxDistance is how many slips a suggestion may be away: more would suggest
// nonsense.
const maxDistance = 3

// Nearest returns the word of known that is closest to got, or "" if none
// is close. Case does not count, and of equally close words the first wins.
func Nearest(got string, known []string) string {
	best, least := "", maxDistance+1
	for _, k := range known {
		d := distance(strings.ToLower(got), strings.ToLower(k))
		// A short word must not be "corrected" into an entirely different one.
		if d < least && d < max(len([]rune(got)), len([]rune(k))) {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's, with two neighbours swapped counted as one slip.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	if len(s) > 64 || len(t) > 64 {
		return maxDistance + 1
	}
	before, prev, cur := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(s); i++ {
		cur[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(t)]
}
