package server

import (
	"errors"
	"io"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

func TestAConnectionKnowsHowItEnded(t *testing.T) {
	const patience = 10 * time.Second
	ago := func(d time.Duration) func(*witness) {
		return func(w *witness) { w.heard.Store(time.Now().Add(-d).UnixNano()) }
	}
	for name, c := range map[string]struct {
		secure bool
		before func(*witness)
		read   error
		want   string
	}{
		"the other side closed":               {read: io.EOF, want: departureClosed},
		"reset":                               {read: syscall.ECONNRESET, want: departureReset},
		"the kernel gave up":                  {read: syscall.ETIMEDOUT, want: departureTimeout},
		"no PING was answered":                {before: ago(patience), want: departureTimeout},
		"closed by us":                        {before: ago(5 * time.Second), want: departureServer},
		"closed by us, right after a message": {want: departureServer},
		"a farewell above TLS":                {secure: true, want: departureClosed},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWitness(patience, c.secure)
			if word := w.departure(); word != "" {
				t.Fatalf("ended before it did: %s", word)
			}
			if c.before != nil {
				c.before(w)
			}
			w.saw(0, c.read)
			w.closing()
			w.saw(0, errors.New("use of closed connection")) // What comes after does not count.
			if word := w.departure(); word != c.want {
				t.Errorf("%s, want %s", word, c.want)
			}
		})
	}
}

// TestTheCauseIsKnownWhicheverSideTheKernelToldIt breaks connections whose writer came
// before the reader: the reader then gets EOF, or comes only after the call has ended.
func TestTheCauseIsKnownWhicheverSideTheKernelToldIt(t *testing.T) {
	for name, c := range map[string]struct {
		written, read error
		want          string
	}{
		"reset, told to the writer":       {syscall.ECONNRESET, io.EOF, departureReset},
		"given up, told to the writer":    {syscall.ETIMEDOUT, io.EOF, departureTimeout},
		"reset, told to the reader":       {syscall.EPIPE, syscall.ECONNRESET, departureReset},
		"closed, then written to":         {syscall.EPIPE, io.EOF, departureClosed},
		"broken, and nobody was told why": {syscall.EPIPE, nil, departureReset},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reader := newWitness(time.Minute, false)
				reader.saw(0, c.read)
				reader.failed(c.written)
				if word := reader.departure(); word != c.want {
					t.Errorf("the reader first: %s, want %s", word, c.want)
				}
				writer := newWitness(time.Minute, false)
				writer.failed(c.written)
				go func() {
					synctest.Wait() // Until the call that ended asks.
					writer.saw(0, c.read)
				}()
				if word := writer.departure(); word != c.want {
					t.Errorf("the writer first: %s, want %s", word, c.want)
				}
			})
		})
	}
}
