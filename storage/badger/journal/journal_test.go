package journal

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"pgregory.net/rapid"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func frame(version uint64) Frame {
	return Frame{version, bytes.Repeat([]byte{byte(version)}, 1+int(version*37%900))}
}

// read gives the versions in a journal, and checks what they carry.
func read(t testing.TB, dir string) (Found, []uint64) {
	t.Helper()
	var versions []uint64
	found, err := Read(dir, func(f Frame) error {
		if !bytes.Equal(f.Payload, frame(f.Version).Payload) {
			t.Fatalf("version %d carries something else", f.Version)
		}
		versions = append(versions, f.Version)
		return nil
	})
	must(t, err)
	return found, versions
}

// write makes a journal of the versions from+1 … to, of small segments.
func write(t testing.TB, dir string, from, to uint64) *Journal {
	t.Helper()
	j, err := Create(dir, from, 4096)
	must(t, err)
	t.Cleanup(func() { _ = j.Close(false, nil) })
	for v := from + 1; v <= to; v++ {
		must(t, j.Append(frame(v)))
	}
	must(t, j.Sync())
	return j
}

func TestJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	if found, _ := read(t, dir); found.Exists {
		t.Fatal("there is none yet")
	}
	j := write(t, dir, 10, 60)
	if j.Old() < 3 {
		t.Fatalf("%d segments: too few for the rest of this test", j.Old())
	}
	must(t, j.Append(frame(70))) // versions may have gaps
	if err := j.Append(frame(70)); !errors.Is(err, ErrRefused) {
		t.Errorf("a version twice: %v", err)
	}
	// Its process dies: nothing is closed. Again and again.
	for round := range uint64(3) {
		found, versions := read(t, dir)
		if !found.Exists || found.Damage != nil || found.Torn != 0 || found.First != 10 || found.Last != 70+round ||
			found.Frames != 51+int(round) || versions[0] != 11 || found.ID != j.ID() {
			t.Fatalf("%+v", found)
		}
		next, err := Continue(dir, found, 4096)
		must(t, err)
		must(t, next.Append(frame(71+round)))
		must(t, next.Close(false, nil))
	}
	found, _ := read(t, dir)
	j, err := Continue(dir, found, 4096)
	must(t, err)
	must(t, j.SetNote("first"))
	must(t, j.Drop(72, "not yet")) // what was found is dropped together
	if found, _ := read(t, dir); found.First != 10 {
		t.Fatalf("what is newer was dropped: %+v", found)
	}
	for v := uint64(74); v < 100; v++ {
		must(t, j.Append(frame(v)))
	}
	must(t, j.Drop(80, "second"))
	found, versions := read(t, dir)
	if found.Damage != nil || found.First < 73 || found.First > 80 || versions[0] != found.First+1 || found.Last != 99 {
		t.Fatalf("after a drop: %+v", found)
	}
	if note, ok := Note(dir); !ok || string(note) != `"second"` {
		t.Errorf("note %s", note)
	}
	must(t, j.Append(frame(100)))
	must(t, j.Close(true, "third"))
	found, versions = read(t, dir)
	if found.Damage != nil || found.First != 100 || found.Last != 100 || len(versions) != 0 {
		t.Fatalf("after a clean end: %+v", found)
	}
	if err := j.Append(frame(101)); !errors.Is(err, ErrBroken) {
		t.Errorf("after the end: %v", err)
	}
	j, err = Continue(dir, found, 4096)
	must(t, err)
	must(t, j.Append(frame(101)))
	must(t, j.Close(false, nil))
	if found, versions = read(t, dir); found.Damage != nil || len(versions) != 1 {
		t.Fatalf("after a clean end and more: %+v", found)
	}
}

// copied is a copy of a journal.
func copied(t testing.TB, from string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "journal")
	must(t, os.CopyFS(to, os.DirFS(from)))
	return to
}

// A power cut in the middle of the last write leaves any part of it: it is
// dropped, and nothing before it.
func TestTorn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := write(t, dir, 0, 5)
	end := j.offset
	must(t, j.Append(frame(6)))
	path := segmentPath(dir, j.number)
	whole, err := os.ReadFile(path)
	must(t, err)
	for cut := end; cut < j.offset; cut++ {
		for _, zeros := range []bool{false, true} {
			b := bytes.Clone(whole[:cut])
			if zeros {
				b = append(b, make([]byte, len(whole)-int(cut))...)
			}
			must(t, os.WriteFile(path, b, 0o600))
			found, versions := read(t, dir)
			if found.Damage != nil || len(versions) != 5 || found.Torn > int(cut-end) {
				t.Fatalf("cut at %d: %+v", cut-end, found)
			}
			if cut%7 != 0 {
				continue
			}
			// It can be gone on with, and read again.
			again := copied(t, dir)
			next, err := Continue(again, found, 4096)
			must(t, err)
			must(t, next.Append(frame(6)))
			must(t, next.Close(false, nil))
			if found, versions := read(t, again); found.Damage != nil || len(versions) != 6 {
				t.Fatalf("cut at %d, and gone on: %+v", cut-end, found)
			}
		}
	}
}

// Whatever single thing happens to its files, a journal gives no frame that was
// not written, in its place; and what it does not give, it says, unless it is
// the last.
func TestDamage(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := write(t, dir, 0, 60)
	must(t, j.Drop(20, "note"))
	must(t, j.Close(false, nil))
	whole, all := read(t, dir)
	if whole.Damage != nil || len(all) < 30 {
		t.Fatalf("%+v", whole)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*"))
	must(t, err)
	seen := map[string]int{}
	rapid.Check(t, func(rt *rapid.T) {
		dir := copied(t, dir)
		file := filepath.Join(dir, filepath.Base(rapid.SampledFrom(files).Draw(rt, "file")))
		b, err := os.ReadFile(file)
		must(t, err)
		used := len(bytes.TrimRight(b, "\x00"))
		what := rapid.SampledFrom([]string{"flip", "flip", "cut", "zero", "delete"}).Draw(rt, "what")
		at := rapid.IntRange(0, used-1).Draw(rt, "at")
		switch what {
		case "flip":
			b[at] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		case "cut":
			b = b[:at]
		case "zero":
			clear(b[at:])
		}
		if what == "delete" {
			must(t, os.Remove(file))
		} else {
			must(t, os.WriteFile(file, b, 0o600))
		}
		found, versions := read(t, dir)
		for i, v := range versions {
			if v != all[i] {
				rt.Fatalf("frame %d is version %d, was %d", i, v, all[i])
			}
		}
		if found.Damage != nil {
			seen["told"]++
			return
		}
		if !found.Exists {
			rt.Fatal("it says that there never was one")
		}
		// Who compares Last with what his store has notices the rest.
		if len(versions) < len(all) && found.Last >= all[len(all)-1] {
			rt.Fatalf("%d frames are missing, and it says nothing: %+v", len(all)-len(versions), found)
		}
		if what == "flip" && len(versions) < len(all)-1 {
			rt.Fatalf("a bit in the middle cost %d frames without a word", len(all)-len(versions))
		}
		seen["shorter or harmless"]++
	})
	t.Log(seen)
}

// A segment of another journal is none of this one's.
func TestStrangers(t *testing.T) {
	a, b := filepath.Join(t.TempDir(), "a"), filepath.Join(t.TempDir(), "b")
	write(t, a, 0, 40)
	write(t, b, 0, 40)
	for _, n := range []uint64{1, 2} {
		dir := copied(t, a)
		stranger, err := os.ReadFile(segmentPath(b, n))
		must(t, err)
		must(t, os.WriteFile(segmentPath(dir, n), stranger, 0o600))
		if found, _ := read(t, dir); !errors.Is(found.Damage, ErrDamaged) {
			t.Errorf("segment %d: %+v", n, found)
		}
	}
}

// What the file system refuses leaves no frame, and no damage.
func TestRefused(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "journal")
	j := write(t, dir, 0, 3)
	good := j.file
	readOnly, err := os.Open(good.Name())
	must(t, err)
	defer readOnly.Close()
	j.file = readOnly
	if err := j.Append(frame(4)); !errors.Is(err, ErrBroken) {
		t.Errorf("a write that failed and can't be taken back: %v", err)
	}
	j.file = good
	if err := j.Append(frame(4)); !errors.Is(err, ErrBroken) {
		t.Errorf("broken is for good: %v", err)
	}
	if found, versions := read(t, dir); found.Damage != nil || len(versions) != 3 {
		t.Errorf("%+v", found)
	}
	// The next segment can't be made: nothing is written, and the one before is
	// as it was.
	dir = filepath.Join(t.TempDir(), "journal")
	j = write(t, dir, 0, 1)
	must(t, os.Mkdir(segmentPath(dir, j.number+1), 0o700))
	last := uint64(1)
	for err = nil; err == nil && last < 1000; last++ {
		err = j.Append(frame(last + 1))
	}
	if !errors.Is(err, ErrRefused) {
		t.Fatalf("%v", err)
	}
	must(t, os.Remove(segmentPath(dir, j.number+1)))
	must(t, j.Append(frame(last)))
	if found, versions := read(t, dir); found.Damage != nil || uint64(len(versions)) != last {
		t.Errorf("%d of %d: %+v", len(versions), last, found)
	}
}

// FuzzFrame: whatever lies there, reading it neither fails nor believes what was
// not written.
func FuzzFrame(f *testing.F) {
	var zero Hash
	one, hash := appendFrame(nil, zero, frame(1))
	two, _ := appendFrame(bytes.Clone(one), hash, frame(2))
	for _, b := range [][]byte{nil, one, two, one[:len(one)-1], append(bytes.Clone(one), 0, 0, 0), bytes.Repeat(one, 2), make([]byte, 100)} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		fr, hash, size, ok := parseFrame(b)
		if !ok {
			return
		}
		if size < frameHead+1 || size > len(b) || len(fr.Payload) != size-frameHead {
			t.Fatalf("a frame of %d bytes in %d", size, len(b))
		}
		again, chained := appendFrame(nil, zero, fr)
		if follows(zero, b, hash, fr) != (chained == hash) {
			t.Error("the chain is not the one that is written")
		}
		if chained == hash && !bytes.Equal(again, b[:size]) {
			t.Error("it would be written otherwise")
		}
		if !anyFrame(append([]byte("garbage"), b...)) {
			t.Error("a whole frame is not found behind others")
		}
	})
}

// FuzzSegment: a segment of anything.
func FuzzSegment(f *testing.F) {
	dir := filepath.Join(f.TempDir(), "journal")
	j := write(f, dir, 0, 6)
	whole, err := os.ReadFile(segmentPath(dir, j.number))
	must(f, err)
	head, err := os.ReadFile(filepath.Join(dir, headFile))
	must(f, err)
	f.Add(head, whole)
	f.Add(head, whole[:segmentHead])
	f.Add(head[:10], whole)
	f.Add([]byte(fmt.Sprintf("%s {}", checksum("{}"))), whole)
	dir = f.TempDir()
	// In place: file systems are slow with what is deleted and made anew.
	put := func(name string, b []byte) error {
		file, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = file.Write(b)
		return errors.Join(err, file.Truncate(int64(len(b))), file.Close())
	}
	f.Fuzz(func(t *testing.T, head, segment []byte) {
		must(t, put(filepath.Join(dir, headFile), head))
		must(t, put(segmentPath(dir, 1), segment))
		last := uint64(0)
		found, err := Read(dir, func(f Frame) error {
			if f.Version <= last {
				t.Errorf("version %d after %d", f.Version, last)
			}
			last = f.Version
			return nil
		})
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Errorf("%v", err)
		}
		if err == nil && found.Frames > 0 && found.Last != last {
			t.Errorf("the last of the frames is %d: %+v", last, found)
		}
	})
}
