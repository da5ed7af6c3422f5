package apptest

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"

	todokuv1 "todoku/gen/todoku/v1"
)

// Stream is a feed as it comes over the wire. Every response is checked against the one
// before it: numbers without a gap, and each cursor continues from the last.
type Stream struct {
	// Hello is the first message.
	Hello *todokuv1.Hello
	// First is the first response, which has the Hello.
	First *todokuv1.FeedNotificationResponse
	// Cursor and Number are those of the last response whose messages have all been
	// returned.
	Cursor string
	Number uint64

	t       testing.TB
	overdue *time.Timer // ends the stream if a test waits too long
	desktop *Desktop
	request *todokuv1.FeedNotificationRequest
	stream  grpc.ServerStreamingClient[todokuv1.FeedNotificationResponse]
	cancel  context.CancelFunc
	last    *todokuv1.FeedNotificationResponse
	waiting []*todokuv1.Message
}

// Attach opens a stream and reads its Hello. If the request names no connection, it is the
// desktop's.
func (d *Desktop) Attach(request *todokuv1.FeedNotificationRequest) *Stream {
	d.t.Helper()
	s, err := d.open(request)
	if err != nil {
		d.t.Fatalf("attach: %v", err)
	}
	return s
}

// AttachRefused opens a stream that must be refused before it begins.
func (d *Desktop) AttachRefused(request *todokuv1.FeedNotificationRequest) error {
	d.t.Helper()
	s, err := d.open(request)
	if err == nil {
		d.t.Fatalf("attached with %v, want a refusal", s.Hello)
	}
	return err
}

func (d *Desktop) open(request *todokuv1.FeedNotificationRequest) (*Stream, error) {
	d.t.Helper()
	if request.GetConnectionId() == "" {
		request.ConnectionId = d.Connection
	}
	ctx, cancel := context.WithCancelCause(d.t.Context())
	cut := func() { cancel(nil) }
	d.t.Cleanup(cut)
	overdue := time.AfterFunc(Patience, func() { cancel(errOverdue) })
	stream, err := d.Notifications.FeedNotification(ctx, request)
	if err != nil {
		return nil, err
	}
	s := &Stream{t: d.t, overdue: overdue, desktop: d, request: request, stream: stream, cancel: cut}
	defer s.limitWait()()
	m, err := s.take()
	if err != nil {
		return nil, err
	}
	s.First, s.Hello = s.last, m.GetHello()
	if s.Hello == nil {
		d.t.Fatalf("the stream begins with %v, want Hello", m)
	}
	return s, nil
}

// errOverdue ends a stream if a test waits longer than Patience.
var errOverdue = errors.New("apptest: the expected message did not come within " + Patience.String())

// limitWait ends the stream unless done is called within Patience. It limits each wait
// and not the stream's life, because a slow machine may need long between two waits.
func (s *Stream) limitWait() (done func() bool) {
	s.overdue.Reset(Patience)
	return s.overdue.Stop
}

// take returns the next message.
func (s *Stream) take() (*todokuv1.Message, error) {
	s.t.Helper()
	for len(s.waiting) == 0 {
		if s.last != nil {
			s.Cursor, s.Number = s.last.GetCursor(), s.last.GetNumber()
		}
		r, err := s.stream.Recv()
		if err != nil {
			if context.Cause(s.stream.Context()) == errOverdue { //nolint:errorlint // It is never wrapped.
				err = errOverdue
			}
			return nil, err
		}
		if s.last != nil && r.GetPreviousCursor() != s.last.GetCursor() {
			s.t.Fatalf("response %d follows %s, the one before it was %s", r.GetNumber(), r.GetPreviousCursor(), s.last.GetCursor())
		}
		if r.GetNumber() != s.last.GetNumber()+1 {
			s.t.Fatalf("response %d follows response %d", r.GetNumber(), s.last.GetNumber())
		}
		if r.GetConnectionId() != s.request.GetConnectionId() {
			s.t.Fatalf("response of connection %q on the stream of %q", r.GetConnectionId(), s.request.GetConnectionId())
		}
		s.last, s.waiting = r, r.GetMessages()
	}
	m := s.waiting[0]
	s.waiting = s.waiting[1:]
	if len(s.waiting) == 0 && !s.last.GetFragment() {
		s.Cursor, s.Number = s.last.GetCursor(), s.last.GetNumber()
	}
	return m, nil
}

// Next returns the next message.
func (s *Stream) Next() *todokuv1.Message {
	s.t.Helper()
	defer s.limitWait()()
	m, err := s.take()
	if err != nil {
		s.t.Fatalf("stream ended: %v", err)
	}
	return m
}

// Await reads up to a message that matches and returns it.
func (s *Stream) Await(what string, match func(*todokuv1.Message) bool) *todokuv1.Message {
	s.t.Helper()
	defer s.limitWait()()
	for {
		m, err := s.take()
		if err != nil {
			s.t.Fatalf("stream ended before %s came: %v", what, err)
		}
		if match(m) {
			return m
		}
	}
}

// Snapshot reads from SnapshotBegin to SnapshotEnd and returns the messages between them.
func (s *Stream) Snapshot() []*todokuv1.Message {
	s.t.Helper()
	s.Await("SnapshotBegin", func(m *todokuv1.Message) bool { return m.GetSnapshotBegin() != nil })
	var between []*todokuv1.Message
	end := s.Await("SnapshotEnd", func(m *todokuv1.Message) bool {
		between = append(between, m)
		return m.GetSnapshotEnd() != nil
	})
	// The response may continue after the snapshot's end.
	s.Cursor = s.Hello.GetEpoch() + ":" + strconv.FormatUint(end.GetSequence(), 10)
	return between[:len(between)-1]
}

// Until reads up to an announcement and returns everything before it.
func (s *Stream) Until(text string) []*todokuv1.Message {
	s.t.Helper()
	var before []*todokuv1.Message
	s.Await("announcement "+text, func(m *todokuv1.Message) bool {
		before = append(before, m)
		return m.GetAnnouncement().GetText() == text
	})
	return before[:len(before)-1]
}

// Report reads up to an execution report of an order and returns it.
func (s *Stream) Report(clientOrderID string, kind todokuv1.ExecType) *todokuv1.ExecutionReport {
	s.t.Helper()
	return s.Await(kind.String()+" of "+clientOrderID, func(m *todokuv1.Message) bool {
		r := m.GetExecutionReport()
		return r.GetOrder().GetClientOrderId() == clientOrderID && r.GetExecType() == kind
	}).GetExecutionReport()
}

// Finish reads to the end and returns all messages and the error that ended the stream.
func (s *Stream) Finish() ([]*todokuv1.Message, error) {
	s.t.Helper()
	defer s.limitWait()()
	var all []*todokuv1.Message
	for {
		m, err := s.take()
		if err != nil {
			return all, err
		}
		all = append(all, m)
	}
}

// Acknowledge tells the venue that all responses up to Number have arrived.
func (s *Stream) Acknowledge() {
	s.t.Helper()
	if _, err := s.desktop.Notifications.AcknowledgeNotifications(s.t.Context(), s.Acknowledgement(s.Number)); err != nil {
		s.t.Fatal(err)
	}
}

// Acknowledgement returns the request that acknowledges responses up to number.
func (s *Stream) Acknowledgement(number uint64) *todokuv1.AcknowledgeNotificationsRequest {
	return &todokuv1.AcknowledgeNotificationsRequest{
		ConnectionId: s.request.GetConnectionId(), AttachNumber: s.Hello.GetAttachNumber(), ResponseNumber: number,
	}
}

// Cut cancels the stream, as a client does that disappears.
func (s *Stream) Cut() { s.cancel() }
