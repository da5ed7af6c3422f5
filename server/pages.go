package server

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"todoku/door"
)

// A request to the HTTP port has time limits before it is known who sent it: for its body
// to arrive and for its answer to be read. Otherwise a client that sends its body without
// end, or reads nothing, would hold a connection and a goroutine as long as it likes.
// Streams lift both limits once their caller is admitted (package rpc).

const (
	// bodyTimeout is how long the body of a request may take to arrive.
	bodyTimeout = 10 * time.Second
	// answerTimeout is how long the answer of a unary call may take to be made and read.
	// Methods have 10 s at most, unless a client asks for more.
	answerTimeout = time.Minute
	// pageWrite is how long the client may take to read what one write of a page sends,
	// and pageAnswer how long to read all of it: 2 MB of scripts at 7 KB a second.
	pageWrite  = 30 * time.Second
	pageAnswer = 5 * time.Minute
)

// bounded sets these times. On a connection that is old and has no admitted caller, the
// answer is the last.
func bounded(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if door.Overdue(r.Context()) {
			w.Header().Set("Connection", "close") // With HTTP/2, GOAWAY.
		}
		control := http.NewResponseController(w) // Only a test's recorder has no deadlines.
		if strings.HasPrefix(r.URL.Path, "/todoku.v1.") {
			_ = control.SetWriteDeadline(time.Now().Add(answerTimeout))
			if r.ContentLength != 0 {
				_ = control.SetReadDeadline(time.Now().Add(bodyTimeout))
			}
			next.ServeHTTP(w, r)
			return
		}
		if r.ContentLength != 0 {
			// No page reads a body, so none is waited for.
			w.Header().Set("Connection", "close")
			_ = control.SetReadDeadline(time.Now())
		}
		_ = control.SetWriteDeadline(time.Now().Add(pageWrite))
		next.ServeHTTP(&pageWriter{w, control, time.Now().Add(pageAnswer)}, r)
	})
}

// pageWriter fails when the client does not read what it sends.
type pageWriter struct {
	http.ResponseWriter
	control *http.ResponseController
	until   time.Time
}

// Write gives the client time to read what it sends.
func (w *pageWriter) Write(p []byte) (int, error) {
	limit := time.Now().Add(pageWrite)
	if limit.After(w.until) {
		limit = w.until
	}
	if err := w.control.SetWriteDeadline(limit); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return w.ResponseWriter.Write(p)
}
