package server

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// LogWriter keeps a venue serving while nobody reads its log. A pipe whose reader has
// stopped blocks every write, and log lines are written by the goroutines that open
// streams; so lines wait in a bounded queue and one goroutine writes them. Lines that find
// the queue full, and lines that could not be written, are dropped and counted; the number
// is reported as soon as a write succeeds again.
//
// Write is safe for concurrent use and never waits for the reader.
type LogWriter struct {
	out    io.Writer
	report func(w io.Writer, lines uint64)

	mu      sync.Mutex // protects the fields below
	waiting []byte
	dropped uint64 // Lines since the last report.
	total   uint64
	closed  bool

	bell chan struct{} // Holds at most one signal.
	done chan struct{} // Closed when the goroutine has ended.
}

// logQueue is how many bytes may wait for the reader: some 5,000 lines.
const logQueue = 1 << 20

// NewLogWriter writes to out, one write at a time. It calls report to write a line that
// says how many lines were dropped; nil reports nothing. The caller closes it.
func NewLogWriter(out io.Writer, report func(w io.Writer, lines uint64)) *LogWriter {
	w := &LogWriter{out: out, report: report, bell: make(chan struct{}, 1), done: make(chan struct{})}
	go w.run()
	return w
}

// Write queues p, which should be whole lines, or drops it. It returns no error.
func (w *LogWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed || len(w.waiting)+len(p) > logQueue {
		w.drop(p)
		return len(p), nil
	}
	w.waiting = append(w.waiting, p...)
	w.ring()
	return len(p), nil
}

// Dropped returns how many lines have been dropped.
func (w *LogWriter) Dropped() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.total
}

// Close waits until the queue is written, at most for limit. What a reader has not taken
// by then is lost, and the goroutine ends when its last write does.
func (w *LogWriter) Close(limit time.Duration) {
	w.mu.Lock()
	w.closed = true
	w.ring()
	w.mu.Unlock()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-w.done:
	case <-timer.C:
	}
}

// ring wakes the goroutine.
func (w *LogWriter) ring() {
	select {
	case w.bell <- struct{}{}:
	default:
	}
}

// drop counts the lines of p. The caller holds the lock.
func (w *LogWriter) drop(p []byte) {
	lines := uint64(max(1, bytes.Count(p, []byte("\n"))))
	w.dropped += lines
	w.total += lines
}

// run writes what waits until the writer is closed.
func (w *LogWriter) run() {
	defer close(w.done)
	var chunk []byte
	for range w.bell {
		w.mu.Lock()
		// The queue was full when lines were dropped, so they are later than all of it.
		chunk, w.waiting = w.waiting, chunk[:0]
		dropped, closed := w.dropped, w.closed
		w.mu.Unlock()
		w.write(chunk, dropped)
		if closed {
			return
		}
	}
}

// write writes a chunk and then how many lines were dropped after it.
func (w *LogWriter) write(chunk []byte, dropped uint64) {
	if w.try(chunk) && dropped > 0 && w.report != nil {
		var line bytes.Buffer
		w.report(&line, dropped)
		if _, err := w.out.Write(line.Bytes()); err != nil {
			return // The number stays and is reported later.
		}
		w.mu.Lock()
		w.dropped -= dropped
		w.mu.Unlock()
	}
}

// try writes a chunk and counts the lines that could not be written.
func (w *LogWriter) try(chunk []byte) bool {
	if len(chunk) == 0 {
		return true
	}
	n, err := w.out.Write(chunk)
	if err == nil {
		return true
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.drop(chunk[n:])
	return false
}
