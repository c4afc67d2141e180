package harness

import (
	"context"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// Two sockets at one address are a reload under way; one at each of two addresses is none.
func TestAfterReloadWaitsForTheOldServer(t *testing.T) {
	reuse := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) (err error) {
		if refused := c.Control(func(fd uintptr) { err = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) }); refused != nil {
			return refused
		}
		return err
	}}
	listen := func(at string) net.Listener {
		l, err := reuse.Listen(context.Background(), "tcp", at)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = l.Close() })
		return l
	}
	old := listen("127.0.0.1:0")
	listen("127.0.0.1:0")
	AfterReload(t, os.Getpid())
	listen(old.Addr().String())
	if !listensTwice(os.Getpid()) {
		t.Fatal("the second socket isn't seen")
	}
	time.AfterFunc(200*time.Millisecond, func() { _ = old.Close() })
	AfterReload(t, os.Getpid())
	if listensTwice(os.Getpid()) {
		t.Error("it did not wait")
	}
}
