package badger

import (
	"fmt"
	"strings"

	bdb "github.com/dgraph-io/badger/v4"
	"go.uber.org/zap"
)

// logger passes Badger's log on. What Badger calls information is useful only when
// debugging Badger.
type logger struct{ get func() *zap.Logger }

func (l logger) Errorf(f string, a ...any)   { l.get().Error(line(f, a)) }
func (l logger) Warningf(f string, a ...any) { l.get().Warn(line(f, a)) }
func (l logger) Infof(f string, a ...any)    { l.Debugf(f, a...) }

func (l logger) Debugf(f string, a ...any) {
	if log := l.get(); log.Core().Enabled(zap.DebugLevel) {
		log.Debug(line(f, a))
	}
}

// maxLine bounds a line of the log: some of Badger's errors print keys.
const maxLine = 300

func line(f string, a []any) string {
	s := strings.TrimSpace(fmt.Sprintf(f, a...))
	if len(s) > maxLine {
		s = s[:maxLine] + "…"
	}
	return "badger: " + s
}

var _ bdb.Logger = logger{}
