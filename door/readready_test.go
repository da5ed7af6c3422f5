//go:build unix

package door

import (
	"errors"
	"io"
	"net"
	"testing"
	"time"
)

// lent is a pool that counts its buffers in use.
type lent struct{ buffers int }

func (p *lent) Get(size int) *[]byte {
	p.buffers++
	buffer := make([]byte, size)
	return &buffer
}

func (p *lent) Put(*[]byte) { p.buffers-- }

func TestAnIdleConnectionHoldsNoBuffer(t *testing.T) {
	inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	limiter := newTestLimiter(-1, -1)
	l := limiter.listen(inner, httpRefusal, 0)
	defer func() { _ = l.Close() }()
	client, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	reader, ok := accepted.(*conn)
	if !ok {
		t.Fatalf("%T", accepted)
	}
	pool := &lent{}
	if err := accepted.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reader.ReadOnReady(100, pool); err == nil || pool.buffers != 0 {
		t.Errorf("without data: %v, %d buffers kept", err, pool.buffers)
	}
	if err := accepted.SetReadDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(client, "hello"); err != nil {
		t.Fatal(err)
	}
	buffer, n, err := reader.ReadOnReady(100, pool)
	if err != nil || string((*buffer)[:n]) != "hello" || pool.buffers != 1 {
		t.Errorf("%d bytes, %v, %d buffers lent", n, err, pool.buffers)
	}
	pool.Put(buffer)
	if err := client.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reader.ReadOnReady(100, pool); !errors.Is(err, io.EOF) || pool.buffers != 0 {
		t.Errorf("at the end: %v, %d buffers kept", err, pool.buffers)
	}
	if err := accepted.Close(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := reader.ReadOnReady(100, pool); !errors.Is(err, net.ErrClosed) || pool.buffers != 0 {
		t.Errorf("when closed: %v, %d buffers kept", err, pool.buffers)
	}
	if open, _ := limiter.Counts(); open != 0 {
		t.Errorf("%d are counted", open)
	}
}
