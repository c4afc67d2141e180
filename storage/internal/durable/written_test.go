package durable

import (
	"bytes"
	"testing"
)

func TestWritten(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 3, len(zeros) - 1, len(zeros), len(zeros) + 1, 3*len(zeros) + 7} {
		content := bytes.Repeat([]byte{0, 7}, n)
		for _, room := range []int{0, 1, len(zeros) - 1, len(zeros), 2*len(zeros) + 5} {
			if got := Written(append(bytes.Clone(content), make([]byte, room)...)); !bytes.Equal(got, content) {
				t.Errorf("%d bytes and %d zeros: %d bytes", len(content), room, len(got))
			}
		}
	}
}
