//go:build unix

package door

import (
	"errors"
	"io"
	"net"
	"syscall"

	"google.golang.org/grpc/mem"
)

// grpc-go holds no read buffer for an idle *net.TCPConn, which halves the memory of an
// idle plaintext connection. A wrapped connection must offer that itself, with the
// method that grpc-go looks for (its package readyreader): it waits for data through
// the system before it takes a buffer.

// ReadOnReady waits for data and reads up to size bytes of it into a buffer of the
// pool.
func (c *conn) ReadOnReady(size int, pool mem.BufferPool) (*[]byte, int, error) {
	if c.ready.raw == nil {
		buffer := pool.Get(size)
		n, err := c.Read(*buffer)
		if n == 0 {
			pool.Put(buffer)
			return nil, 0, err
		}
		return buffer, n, err
	}
	c.ready.wanted, c.ready.pool = size, pool
	err := c.ready.raw.Read(c.ready.read)
	buffer, n, failed := c.ready.buffer, c.ready.got, c.ready.failed
	c.ready.pool, c.ready.buffer, c.ready.got, c.ready.failed = nil, nil, 0, nil
	switch {
	case err != nil: // Closed, or too late.
	case failed != nil:
		err = failed
	case n == 0:
		err = io.EOF
	}
	c.cause.afterRead(n, err)
	if n == 0 && buffer != nil {
		pool.Put(buffer)
		buffer = nil
	}
	return buffer, n, err
}

// readyToRead is what ReadOnReady needs of a connection. It belongs to the one
// goroutine that reads; its fields spare an allocation for every read.
type readyToRead struct {
	raw  syscall.RawConn       // nil where the connection is not the system's.
	read func(fd uintptr) bool // Reads once there is data; false to wait for it.

	wanted int
	pool   mem.BufferPool
	buffer *[]byte
	got    int
	failed error
}

// prepare makes ReadOnReady work on a TCP connection.
func (c *conn) prepare() {
	tcp, ok := c.Conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return // Read then returns the error.
	}
	c.ready.raw = raw
	c.ready.read = func(fd uintptr) bool {
		c.ready.buffer = c.ready.pool.Get(c.ready.wanted)
		c.ready.got, c.ready.failed = syscall.Read(int(fd), *c.ready.buffer)
		if c.ready.failed == nil {
			return true
		}
		c.ready.pool.Put(c.ready.buffer)
		c.ready.buffer, c.ready.got = nil, 0
		switch {
		case errors.Is(c.ready.failed, syscall.EAGAIN):
			return false
		case errors.Is(c.ready.failed, syscall.EINTR):
			return c.ready.read(fd)
		}
		return true
	}
}
