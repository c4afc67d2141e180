package harness

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// AfterReload waits until no two sockets of a process listen at one address. A reload has Caddy's
// new server listen beside the old one, which closes its own socket a moment after the reload has
// ended: a connection that the kernel gave to the old one until then ends without an answer.
//
// Where the system doesn't say which sockets there are (it isn't Linux), it waits for nothing.
func AfterReload(t testing.TB, pid int) {
	t.Helper()
	end := time.Now().Add(30 * time.Second)
	for listensTwice(pid) {
		if time.Now().After(end) {
			t.Fatal("a server from before the reload still listens")
		}
		time.Sleep(time.Millisecond)
	}
}

func listensTwice(pid int) bool {
	dir := "/proc/" + strconv.Itoa(pid)
	own := make(map[string]bool) // inodes
	files, _ := os.ReadDir(dir + "/fd")
	for _, f := range files {
		to, _ := os.Readlink(dir + "/fd/" + f.Name())
		if inode, ok := strings.CutPrefix(to, "socket:["); ok {
			own[strings.TrimSuffix(inode, "]")] = true
		}
	}
	seen := make(map[string]bool)
	for _, name := range []string{"/net/tcp", "/net/tcp6"} {
		text, _ := os.ReadFile(dir + name)
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			const local, state, inode, listens = 1, 3, 9, "0A" // TCP_LISTEN of the kernel
			if len(f) <= inode || f[state] != listens || !own[f[inode]] {
				continue
			}
			if seen[f[local]] {
				return true
			}
			seen[f[local]] = true
		}
	}
	return false
}
