package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"todoku/server"
)

// gate is a log whose reader can stop and can exit.
type gate struct {
	mu   sync.Mutex // protects the fields below, and is held while the reader has stopped
	text bytes.Buffer
	err  error
}

func (g *gate) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.err != nil {
		return 0, g.err
	}
	return g.text.Write(p)
}

func reportLines(w io.Writer, lines uint64) { say(w, "%d lines dropped", lines) }

// say writes a line. A LogWriter returns no error.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format+"\n", args...) }

func TestALogReaderThatStopsBlocksNobodyAndLearnsHowManyLinesItMissed(t *testing.T) {
	pr, pw := io.Pipe() // A write waits until somebody reads.
	w := server.NewLogWriter(pw, reportLines)
	const lines = 50_000 // Of 100 bytes each: far more than may wait.
	for i := range lines {
		if n, err := fmt.Fprintf(w, "%099d\n", i); n != 100 || err != nil {
			t.Fatalf("line %d: %d, %v", i, n, err)
		}
	}
	dropped := w.Dropped()
	// Twice the queue may wait: one part of it in the write that is blocked.
	if dropped < lines-2*(1<<20)/100 || dropped == lines {
		t.Errorf("%d of %d lines were dropped, want all but those that may wait", dropped, lines)
	}
	var text []byte
	read := make(chan error, 1)
	go func() {
		var err error
		text, err = io.ReadAll(pr)
		read <- err
	}()
	w.Close(time.Minute)
	if err := errors.Join(pw.Close(), <-read); err != nil {
		t.Fatal(err)
	}
	got := strings.Split(strings.TrimSpace(string(text)), "\n")
	kept := len(got) - 1
	for i, line := range got[:kept] {
		if line != fmt.Sprintf("%099d", i) {
			t.Fatalf("line %d is %q", i, line)
		}
	}
	if want := fmt.Sprintf("%d lines dropped", dropped); got[kept] != want || uint64(kept)+dropped != lines {
		t.Errorf("after %d lines came %q, want %q", kept, got[kept], want)
	}
}

func TestALogReaderThatExitsEndsNothingAndTheNextOneLearnsWhatWasLost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := &gate{err: errors.New("broken pipe")}
		w := server.NewLogWriter(g, reportLines)
		for i := range 3 {
			say(w, "lost %d", i)
			synctest.Wait()
		}
		g.mu.Lock()
		g.err = nil
		g.mu.Unlock()
		say(w, "heard")
		synctest.Wait()
		say(w, "after")
		w.Close(time.Minute)
		if got, want := g.text.String(), "heard\n3 lines dropped\nafter\n"; got != want {
			t.Errorf("the log is %q, want %q", got, want)
		}
		if got := w.Dropped(); got != 3 {
			t.Errorf("%d lines were dropped, want 3", got)
		}
	})
}

func TestTheEndOfALogWaitsForItsReaderAtMostForTheLimit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pr, pw := io.Pipe()
		w := server.NewLogWriter(pw, reportLines)
		say(w, "never read")
		began := time.Now()
		w.Close(time.Second)
		if took := time.Since(began); took != time.Second {
			t.Errorf("the end took %v, want 1s", took)
		}
		say(w, "too late")
		if err := pr.Close(); err != nil {
			t.Error(err)
		}
	})
}
