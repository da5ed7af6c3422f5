package push

import (
	"context"
	"time"
)

// AttachRequest says who attaches and from where.
type AttachRequest struct {
	Connection string // What the stream is attached to. One stream each.
	Instance   string // The client instance; decides between REPLACED and SUPERSEDED.
	User       string
	Session    string // For End and SetExpiry.
	Remote     string // The address without port, for limits and records.
	Topics     []Topic
	// After is the last published sequence: live begins behind it and the
	// opening covers everything up to it. The caller holds the lock that keeps
	// Publish away.
	After uint64
	// Resume is the first response's Previous: what the client resumed after, or
	// the snapshot's sequence.
	Resume uint64
	// Hello makes the first message, sent at once in a response of its own.
	// Nil: none.
	Hello func(HelloInfo) []byte
	// Opening is the replay or the snapshot of events. Nil: nothing. State is not
	// part of it: the hub sends it whole after the opening.
	Opening Source
	// StateInterval is the least time between two flushes of state. Zero:
	// DefaultStateInterval.
	StateInterval time.Duration
	// Expiry of the session. Zero: none.
	Expiry time.Time
}

// Selector names streams: those that match every non-empty field; the zero
// Selector names all.
type Selector struct {
	Connection string
	Session    string
	User       string
}

type Hub struct{}
type Stream struct{}

func NewHub(config Config) *Hub                              { return nil }
func (h *Hub) Run(ctx context.Context) error                 { return nil }
func (h *Hub) Seed(sequence uint64, state []*Message) error  { return nil }
func (h *Hub) Publish(p Publication) error                   { return nil }
func (h *Hub) Published() uint64                             { return 0 }
func (h *Hub) Attach(request AttachRequest) (*Stream, error) { return nil, nil }
func (h *Hub) Subscribe(connection, user string, add, remove []Topic, initial []*Message) error {
	return nil
}
func (h *Hub) Acknowledge(connection, user string, attach, number uint64) error { return nil }
func (h *Hub) SetExpiry(session string, expiry time.Time) int                   { return 0 }
func (h *Hub) End(which Selector, reason Reason, message string) int            { return 0 }
func (h *Hub) Drain(ctx context.Context, spread, limit time.Duration) error     { return nil }
func (h *Hub) List() []StreamInfo                                               { return nil }
func (h *Hub) Ends() []EndRecord                                                { return nil }
func (h *Hub) UserStreams(user string) int                                      { return 0 }
func (s *Stream) Serve(ctx context.Context, send func(*Response) error) error   { return nil }
func (s *Stream) Next(ctx context.Context) (*Response, error)                   { return nil, nil }
func (s *Stream) Close()                                                        {}
func (s *Stream) Wait()                                                         {}
func (s *Stream) Info() StreamInfo                                              { return StreamInfo{} }
