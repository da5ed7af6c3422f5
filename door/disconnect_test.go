package door

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAConnectionRecordsHowItEnded(t *testing.T) {
	const timeout = 10 * time.Second
	ago := func(d time.Duration) func(*disconnectCause) {
		return func(w *disconnectCause) { w.lastRead.Store(time.Now().Add(-d).UnixNano()) }
	}
	for name, c := range map[string]struct {
		secure bool
		before func(*disconnectCause)
		read   error
		want   string
	}{
		"the other side closed":               {read: io.EOF, want: causeClosed},
		"reset":                               {read: syscall.ECONNRESET, want: causeReset},
		"the kernel gave up":                  {read: syscall.ETIMEDOUT, want: causeTimeout},
		"no PING was answered":                {before: ago(timeout), want: causeTimeout},
		"closed by us":                        {before: ago(5 * time.Second), want: causeServer},
		"closed by us, right after a message": {want: causeServer},
		"close_notify above TLS":              {secure: true, want: causeClosed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newDisconnectCause(timeout, c.secure)
			if cause := w.get(); cause != "" {
				t.Fatalf("a cause before the end: %s", cause)
			}
			if c.before != nil {
				c.before(w)
			}
			w.afterRead(0, c.read)
			w.beforeClose()
			w.afterRead(0, errors.New("use of closed connection")) // A later error does not count.
			if cause := w.get(); cause != c.want {
				t.Errorf("%s, want %s", cause, c.want)
			}
		})
	}
}

// TestTheCauseIsKnownWhetherReadOrWriteReportsIt breaks connections with the writer before
// the reader: the reader then gets EOF, or reads only after the call has ended.
func TestTheCauseIsKnownWhetherReadOrWriteReportsIt(t *testing.T) {
	for name, c := range map[string]struct {
		written, read error
		want          string
	}{
		"reset, reported to the writer":     {syscall.ECONNRESET, io.EOF, causeReset},
		"given up, reported to the writer":  {syscall.ETIMEDOUT, io.EOF, causeTimeout},
		"reset, reported to the reader":     {syscall.EPIPE, syscall.ECONNRESET, causeReset},
		"closed, then written to":           {syscall.EPIPE, io.EOF, causeClosed},
		"broken, and no cause was reported": {syscall.EPIPE, nil, causeReset},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reader := newDisconnectCause(time.Minute, false)
				reader.afterRead(0, c.read)
				reader.afterWrite(c.written)
				if cause := reader.get(); cause != c.want {
					t.Errorf("the reader first: %s, want %s", cause, c.want)
				}
				writer := newDisconnectCause(time.Minute, false)
				writer.afterWrite(c.written)
				go func() {
					synctest.Wait() // Until the call that ended waits for the cause.
					writer.afterRead(0, c.read)
				}()
				if cause := writer.get(); cause != c.want {
					t.Errorf("the writer first: %s, want %s", cause, c.want)
				}
			})
		})
	}
}
