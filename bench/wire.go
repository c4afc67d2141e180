package main

import (
	"bufio"
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
)

// message is a request or an answer of HTTP/1.1, as far as a benchmark cares.
// net/http would do, but would take half of the machine away from what is
// measured, on both sides of every comparison.
type message struct {
	first string
	head  []byte
	body  []byte
	last  bool // the connection ends after it
}

var errMessage = errors.New("not a message of HTTP/1.1")

// read reads the next message; it reuses what the last one held.
func (m *message) read(r *bufio.Reader) error {
	line, err := r.ReadSlice('\n')
	if err != nil {
		return err
	}
	m.first = string(bytes.TrimRight(line, "\r\n"))
	m.head, m.body, m.last = m.head[:0], m.body[:0], false
	length, chunked := 0, false
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		m.head = append(m.head, line...)
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, ok := bytes.Cut(line, []byte(": "))
		switch {
		case !ok:
			return errMessage
		case bytes.EqualFold(name, []byte("Content-Length")):
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		case bytes.EqualFold(name, []byte("Transfer-Encoding")):
			chunked = true
		case bytes.EqualFold(name, []byte("Connection")):
			m.last = bytes.EqualFold(value, []byte("close"))
		}
	}
	if !chunked {
		return m.take(r, length)
	}
	for {
		line, err := r.ReadSlice('\n')
		if err != nil {
			return err
		}
		n, err := strconv.ParseInt(string(bytes.TrimRight(line, "\r\n")), 16, 32)
		if err != nil {
			return err
		}
		if err := m.take(r, int(n)); err != nil {
			return err
		}
		if _, err := r.Discard(2); err != nil {
			return err
		}
		if n == 0 {
			return nil
		}
	}
}

func (m *message) take(r *bufio.Reader, n int) error {
	at := len(m.body)
	if n > cap(m.body)-at {
		m.body = append(m.body, make([]byte, n)...)
	}
	m.body = m.body[:at+n]
	_, err := io.ReadFull(r, m.body[at:])
	return err
}

// status is an answer's code.
func (m *message) status() int {
	if len(m.first) < 12 {
		return 0
	}
	n, _ := strconv.Atoi(m.first[9:12])
	return n
}

// path is a request's path without its query.
func (m *message) path() string {
	_, rest, _ := strings.Cut(m.first, " ")
	target, _, _ := strings.Cut(rest, " ")
	path, _, _ := strings.Cut(target, "?")
	return path
}

// reply is an answer of provider or shop.
type reply struct {
	status string // "200 OK", if empty
	kind   string // of the body
	head   string // further lines, with their ends
	body   []byte
}

// serve answers every request on a port of loopback, which it prints.
func serve(answer func(m *message) reply) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(l.Addr())
	for {
		c, err := l.Accept()
		if err != nil {
			panic(err)
		}
		go func() {
			defer c.Close()
			r := bufio.NewReaderSize(c, 16<<10)
			var m message
			var out []byte
			for m.read(r) == nil {
				a := answer(&m)
				out = fmt.Appendf(out[:0], "HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n%s\r\n%s", cmp.Or(a.status, "200 OK"), a.kind, len(a.body), a.head, a.body)
				if _, err := c.Write(out); err != nil || m.last {
					return
				}
			}
		}()
	}
}
