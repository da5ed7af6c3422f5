package rpc

import (
	"sync"
	"time"

	"todoku/account"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
)

// Receipts of what streams were told are written down as they come, but coarsely:
// a busy stream's acknowledgements once in a while, with what it carried, and what
// is left at its end. Who was told of an event is found from them (told.go).

// evidence is what was written down of a stream.
type evidence struct {
	mu       sync.Mutex // protects what follows
	told     uint64     // up to where acknowledged events are written down
	at       time.Time  // when they were
	heldTold uint64     // the newest that are not, with their cursor and time
	held     account.Receipt
}

// began writes down that a stream attached, and what it carries.
func (s *Server) began(v *visitStream) {
	s.accounts.Receipt(account.Receipt{
		Attach: v.Attach, Step: account.ReceiptBegan, Epoch: v.Stream.Epoch(), User: string(v.user),
		Session: v.session, Connection: v.connection.ID, RemoteAddr: v.remote,
	})
	s.carried(v)
}

// carried writes down what a stream carries since it was last asked.
func (s *Server) carried(v *visitStream) {
	for _, c := range v.TakeCarried() {
		s.accounts.Receipt(account.Receipt{Attach: v.Attach, Step: account.ReceiptCarries, Sequence: c.After, Topics: c.Topics})
	}
}

// acknowledged writes down how far a stream's client has come, if it was told of
// events since and the last time is long enough ago.
func (s *Server) acknowledged(v *visitStream, info *push.StreamInfo) {
	s.carried(v)
	e := &v.evidence
	e.mu.Lock()
	defer e.mu.Unlock()
	now := s.options.Clock()
	if info.Told > max(e.told, e.heldTold) {
		e.heldTold = info.Told
		e.held = account.Receipt{Attach: v.Attach, Step: account.ReceiptAcknowledged, Time: now.UTC(), Sequence: info.AckCursor}
	}
	if e.heldTold > e.told && now.Sub(e.at) >= s.options.ReceiptInterval {
		s.accounts.Receipt(e.held)
		e.told, e.at = e.heldTold, now
	}
}

// ended writes down the rest.
func (s *Server) ended(v *visitStream, info *push.StreamInfo, reason push.Reason) {
	s.carried(v)
	e := &v.evidence
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.heldTold > e.told {
		s.accounts.Receipt(e.held)
	}
	s.accounts.Receipt(account.Receipt{Attach: v.Attach, Step: account.ReceiptEnded, Sequence: info.Cursor, Reason: string(reason)})
}

// painted passes on what a client says of its screen.
func (s *Server) painted(c *caller, req *todokuv1.AcknowledgeNotificationsRequest) error {
	if req.GetPaintedNumber() == 0 {
		return nil
	}
	var d decoder
	ago := d.duration("painted_ago", req.GetPaintedAgo(), 0, time.Hour)
	if d.err != nil {
		return d.err
	}
	return s.hub.Painted(req.GetConnectionId(), c.User, req.GetAttachNumber(), req.GetPaintedNumber(), ago)
}
