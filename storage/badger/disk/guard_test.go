package disk

import "testing"

func TestDefaultMinFree(t *testing.T) {
	for total, want := range map[uint64]uint64{64: 16, 512: 128, 1024: 256, 4096: 256, 10_240: 512, 1 << 20: 1024, 1 << 24: 1024} {
		if got := DefaultMinFree(total*mib) / mib; got != want {
			t.Errorf("%d MiB: %d, want %d", total, got, want)
		}
	}
}
