package chaos

import (
	"bufio"
	"bytes"
	"errors"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// venueLog reads what the venue logs, through a pipe, and can stop reading. Of what it reads
// it shows warnings and errors.
type venueLog struct {
	t       testing.TB
	r, w    *os.File
	reading sync.Mutex // held while the reader has stopped
	done    chan struct{}
}

func newVenueLog(t testing.TB) *venueLog {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	l := &venueLog{t: t, r: r, w: w, done: make(chan struct{})}
	go l.read()
	return l
}

func (l *venueLog) read() {
	defer close(l.done)
	for lines := bufio.NewScanner(l.r); lines.Scan(); {
		l.reading.Lock()
		if text := lines.Text(); text != "" && !strings.Contains(text, "level=INFO") {
			_, _ = os.Stderr.WriteString(text + "\n")
		}
		l.reading.Unlock()
	}
}

// freeze stops the reader until the returned function is called, and fills the pipe, so that
// the venue's next line finds no room.
func (l *venueLog) freeze() (thaw func()) {
	l.reading.Lock()
	fd := int(l.w.Fd())
	_ = syscall.SetNonblock(fd, true) // The pipe is the venue's too: meanwhile it drops lines.
	defer func() { _ = syscall.SetNonblock(fd, false) }()
	for size := 4096; size > 0; {
		_, err := syscall.Write(fd, bytes.Repeat([]byte("\n"), size))
		switch {
		case errors.Is(err, syscall.EAGAIN):
			size /= 2
		case err != nil && !errors.Is(err, syscall.EINTR):
			return l.reading.Unlock // The venue's end of the pipe is closed.
		}
	}
	return l.reading.Unlock
}

// close ends the reader. The venue must have ended.
func (l *venueLog) close() {
	_ = l.w.Close()
	<-l.done
	_ = l.r.Close()
}
