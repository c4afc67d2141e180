package begin

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/rahgir/caddy-payments/internal/lang"
)

// Reader is the language of whoever sits at the terminal, by the environment's
// usual variables; English where they don't name Persian.
func Reader() lang.Lang {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if v := os.Getenv(name); v != "" {
			if l, ok := lang.Parse(strings.NewReplacer("_", "-", ".", "-", "@", "-").Replace(v)); ok {
				return l
			}
			break
		}
	}
	return lang.EN
}

// Program is how to call this program again, as a person would write it.
func Program() string {
	if exe, err := os.Executable(); err == nil && strings.Contains(filepath.ToSlash(exe), "/go-build") {
		return "go run ./cmd/caddy" // `go run` builds where nobody looks
	}
	if name := os.Args[0]; name != "" && !strings.ContainsAny(name, " \t'\"") {
		return name
	}
	return "caddy"
}
