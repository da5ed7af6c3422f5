package chaos

import (
	"encoding/json"
	"errors"
	"io"
	"sync"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
)

// A client records each thing that happens as a line. In this process a line is passed as
// it is; from another process it travels as JSON.

type lineKind string

const (
	lineBegin      lineKind = "begin"      // A stream is asked for, with Request.
	lineResponse   lineKind = "response"   // Response came on the stream.
	lineSubscribed lineKind = "subscribed" // From Text on the stream carries Request's subscription.
	lineForgot     lineKind = "forgot"     // The client has dropped its state and cursor.
	lineFault      lineKind = "fault"      // Text describes a broken promise.
	lineEnd        lineKind = "end"        // The stream ended; Text says why.
)

type line struct {
	Kind lineKind
	// Stream numbers the client's streams in the order in which it asked for them.
	Stream   int
	Text     string
	Request  *todokuv1.FeedNotificationRequest
	Response *todokuv1.FeedNotificationResponse
}

// wire is a line as it is written.
type wire struct {
	Kind              lineKind
	Stream            int
	Text              string
	Request, Response []byte
}

// lineWriter writes the lines of a process. Safe for concurrent use.
type lineWriter struct {
	mu      sync.Mutex
	encoder *json.Encoder
	failed  error
}

func (w *lineWriter) write(l line) {
	request, errRequest := proto.Marshal(l.Request)
	response, errResponse := proto.Marshal(l.Response)
	w.mu.Lock()
	defer w.mu.Unlock()
	err := errors.Join(errRequest, errResponse)
	if err == nil && w.failed == nil {
		err = w.encoder.Encode(wire{l.Kind, l.Stream, l.Text, request, response})
	}
	w.failed = errors.Join(w.failed, err)
}

// readLines passes on the lines of a process until it ends. It ignores a last line that is
// incomplete.
func readLines(from io.Reader, take func(line)) error {
	decoder := json.NewDecoder(from)
	for {
		var w wire
		switch err := decoder.Decode(&w); {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return nil
		case err != nil:
			return err
		}
		l := line{Kind: w.Kind, Stream: w.Stream, Text: w.Text, Request: &todokuv1.FeedNotificationRequest{}, Response: &todokuv1.FeedNotificationResponse{}}
		if err := errors.Join(proto.Unmarshal(w.Request, l.Request), proto.Unmarshal(w.Response, l.Response)); err != nil {
			return err
		}
		take(l)
	}
}
