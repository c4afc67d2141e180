package journal

// NotIts is the doubt about a journal that belongs to another store: nothing may
// be written again from it.
const NotIts = "its journal belongs to another ledger"

// Doubt says why a journal can't vouch for a store whose newest commit has the
// version height, or "". mark is the journal's name in the store; marked is whether
// the journal itself says that it was put there. A commit of which no caller was
// told may be in the store alone. It is pure.
func (f Found) Doubt(mark []byte, marked bool, height uint64) string {
	switch {
	case !f.Exists && mark == nil:
		return "" // the store is new
	case !f.Exists:
		return "its journal is missing"
	case f.ID == "":
		return f.Damage.Error()
	case mark != nil && string(mark) != f.ID, mark == nil && !marked && f.Frames > 0:
		return NotIts
	case f.Damage != nil:
		return f.Damage.Error()
	case height > f.Last+1:
		return "its journal ends before the store does"
	case height < f.First:
		return "the store holds less than when its journal was last shortened"
	}
	return ""
}
