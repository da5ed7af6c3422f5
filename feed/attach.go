package feed

import (
	"context"
	"errors"
	"fmt"
	"time"

	"todoku/push"
	"todoku/trade"
)

// AttachRequest describes a stream to be attached.
type AttachRequest struct {
	// User must be the authenticated user, whose present rights decide what the
	// stream carries.
	User         trade.UserID
	Subscription Subscription
	// Resume is the cursor of the last response that the client processed; nil
	// for a snapshot.
	Resume *push.Cursor

	// For Connection, Instance, Session, Remote and Expiry see push.AttachRequest.
	Connection string
	Instance   string
	Session    string
	Remote     string
	Expiry     time.Time
	// Hello makes the first message. It is called once, without a lock. Nil: none.
	Hello func(HelloInfo) []byte
}

// HelloInfo is what a Hello may contain.
type HelloInfo struct {
	push.HelloInfo

	Start Start
	Cause Cause
	// User is the user as the venue knows it at the attach.
	User trade.User
}

// Attached is a stream and how it begins. The caller of Attach must serve Stream and
// then call Close.
type Attached struct {
	Stream *push.Stream
	Start  Start
	// Cause is why a replay is not possible; CauseNone unless Start is StartReset.
	Cause Cause
	// Head is the position at the end of the opening; live events follow.
	Head uint64
	// Attach is the number that acknowledgements name.
	Attach uint64

	feed       *Feed
	user       trade.UserID
	connection string

	// What follows is protected by Feed.mu.
	subscription Subscription
	topics       []push.Topic
	visibility   visibility
	carried      []Carried // Changes that were not taken yet.
}

// Close ends the stream if it has not ended, and forgets it. It may be called
// repeatedly.
func (a *Attached) Close() {
	a.Stream.Close()
	a.feed.mu.Lock()
	defer a.feed.mu.Unlock()
	a.feed.forget(a)
}

// forget removes a stream from the table. The caller holds mu.
func (f *Feed) forget(a *Attached) {
	if f.streams[a.connection] == a {
		delete(f.streams, a.connection)
	}
}

// Attach begins a stream: with the events after the cursor, or with a snapshot when
// there is none, or with a Reset and a snapshot when a replay is not possible. ctx must
// be that of the stream's handler: the opening is read from the journal under it while
// the stream is served.
//
// The first response's previous cursor is the one resumed after. The responses of a
// snapshot have no cursor until SnapshotEnd: a client that is cut off inside a snapshot
// asks for another one.
//
// The snapshot or replay reaches at least to the journal's head as it was when Attach
// was called. So it has the events of every command that the client has had an answer
// for.
//
// Errors: ErrNotReady, ErrStopped, ErrUnknownUser, ErrSuspended, ErrNotPermitted,
// a *SubscriptionError, ErrBadCursor, the context's cause, and those of
// push.Hub.Attach.
func (f *Feed) Attach(ctx context.Context, request AttachRequest) (*Attached, error) {
	if !f.isReady() {
		return nil, ErrNotReady
	}
	if err := f.WaitFor(ctx, f.log.Head()); err != nil {
		return nil, err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	user, err := f.authorise(request.User, request.Subscription)
	if err != nil {
		return nil, err
	}
	a := &Attached{
		Start: StartSnapshot, Head: f.position.At(),
		feed: f, user: user.ID, connection: request.Connection,
		subscription: request.Subscription.clone(),
		topics:       f.topicsOf(user, request.Subscription),
		visibility:   visibilityOf(user, request.Subscription),
	}
	opening, resume, err := f.opening(ctx, a, user, request.Resume)
	if err != nil {
		return nil, err
	}
	var hello func(push.HelloInfo) []byte
	if request.Hello != nil {
		info := HelloInfo{Start: a.Start, Cause: a.Cause, User: *user}
		hello = func(of push.HelloInfo) []byte {
			info.HelloInfo = of
			return request.Hello(info)
		}
	}
	a.Stream, err = f.hub.Attach(push.AttachRequest{
		Connection: request.Connection, Instance: request.Instance, User: string(request.User),
		Session: request.Session, Remote: request.Remote, Expiry: request.Expiry,
		Topics: a.topics, StateInterval: request.Subscription.StateInterval,
		After: f.position.At(), Resume: resume, Hello: hello, Opening: opening,
	})
	if err != nil {
		return nil, err
	}
	a.Attach = a.Stream.Info().Attach
	f.streams[request.Connection] = a
	if a.Start == StartReplay {
		a.note(request.Resume.Sequence)
	} else {
		a.note(f.position.At())
	}
	return a, nil
}

// opening decides how a stream begins, writes that into a, and returns the source and
// the first response's previous cursor. That is 0 before a snapshot, so that a client
// that is cut off inside it does not resume after what it does not have. The caller
// holds mu: the content is decided here, although it is read and encoded later.
func (f *Feed) opening(ctx context.Context, a *Attached, user *trade.User, resume *push.Cursor) (push.Source, uint64, error) {
	if resume == nil {
		return f.snapshotSource(f.capture(a, user)), 0, nil
	}
	sequences, cause, err := f.missed(a.topics, user, *resume)
	switch {
	case err != nil:
		return nil, 0, err
	case cause != CauseNone:
		a.Start, a.Cause = StartReset, cause
		return f.snapshotSource(f.capture(a, user)), 0, nil
	}
	a.Start = StartReplay
	return f.replaySource(ctx, a.topics, sequences), resume.Sequence, nil
}

// missed returns the sequences after a cursor that concern the topics, or why they
// cannot be replayed. The error is ErrBadCursor. The caller holds mu.
func (f *Feed) missed(topics []push.Topic, user *trade.User, cursor push.Cursor) ([]uint64, Cause, error) {
	sequences, err := f.after(topics, cursor, f.options.ReplayEvents+1)
	switch {
	case errors.Is(err, ErrBadCursor):
		return nil, CauseNone, err
	case errors.Is(err, ErrUnknownEpoch):
		return nil, CauseUnknownEpoch, nil
	case errors.Is(err, ErrCompacted):
		return nil, CauseCompacted, nil
	case err != nil || len(sequences) > f.options.ReplayEvents:
		return nil, CauseTooFarBehind, nil //nolint:nilerr // The cause stands for the error.
	case cursor.Sequence > 0 && f.index.newest(f.names.self(user.ID)[0].topic) > cursor.Sequence:
		// A replay from the very beginning lacks nothing.
		return nil, CauseUserChanged, nil
	}
	return sequences, CauseNone, nil
}

// after returns the first sequences, at most most, of the topics after a cursor. The
// error is ErrUnknownEpoch or ErrBadCursor, or ErrTooFarBehind or ErrCompacted when
// there may be others. The caller holds mu.
func (f *Feed) after(topics []push.Topic, cursor push.Cursor, most int) ([]uint64, error) {
	oldest, after, position := f.log.Oldest(), cursor.Sequence, f.position.At()
	switch {
	case cursor.Epoch != f.log.Epoch():
		return nil, ErrUnknownEpoch
	case after > position:
		return nil, fmt.Errorf("%w: %d, the venue is at %d", ErrBadCursor, after, position)
	case after >= f.index.knownAfter(topics):
	case after+1 < oldest:
		return nil, ErrCompacted
	default:
		return nil, ErrTooFarBehind
	}
	sequences := f.index.first(topics, after, most)
	if len(sequences) > 0 && sequences[0] < oldest {
		return nil, ErrCompacted
	}
	return sequences, nil
}
