package pages

import (
	"fmt"
	"strings"
	"testing"
)

// However many addresses requests choose, few styles are kept, and each page has its own;
// what is no plain path, or is too long, chooses none.
func TestKeptSheetsAreBounded(t *testing.T) {
	for _, n := range []int{1, mostSheets - 1, mostSheets, mostSheets + 1, 5 * mostSheets} {
		for i := range n {
			under := fmt.Sprintf("/shop%d-%d", n, i)
			s := sheetOf(&Page{Assets: under})
			if again := sheetOf(&Page{Assets: under}); !strings.Contains(string(s.css), under+"/.payments/") || again != s || s.hash != hash(string(s.css)) {
				t.Fatalf("%d: the style of %s is another's", n, under)
			}
			sheets.RLock()
			kept := len(sheets.made)
			sheets.RUnlock()
			if kept > mostSheets {
				t.Fatalf("%d: %d styles are kept", n, kept)
			}
		}
	}
	for n, used := range map[int]bool{2: true, 255: true, 256: true, 257: false, 10_000: false} {
		if got := assetsOf(&Page{Assets: "/" + strings.Repeat("a", n-1)}); (got != "") != used {
			t.Errorf("a path of %d bytes: %.20q", n, got)
		}
	}
}
