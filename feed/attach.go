package feed

import (
	"context"
	"fmt"
	"time"

	"todoku/push"
	"todoku/trade"
)

// AttachRequest says who attaches and what is wanted.
type AttachRequest struct {
	// User must be who was authenticated; everything is decided by what the venue
	// knows of this user now.
	User         trade.UserID
	Subscription Subscription
	// Resume is the cursor of the last response that the client processed; nil
	// for a snapshot.
	Resume *push.Cursor

	// Connection, Instance, Session, Remote and Expiry are the hub's; see
	// push.AttachRequest.
	Connection string
	Instance   string
	Session    string
	Remote     string
	Expiry     time.Time
	// Hello makes the first message. It is called once, by the stream's consumer,
	// without any lock. Nil: none.
	Hello func(HelloInfo) []byte
}

// HelloInfo is what a Hello may say.
type HelloInfo struct {
	push.HelloInfo

	Start Start
	Cause Cause
	// User is the user as the venue knows it at the attach.
	User trade.User
}

// Attached is a stream and how it begins. Who asked for it must call Serve, or
// consume Stream and then call Close.
type Attached struct {
	Stream *push.Stream
	Start  Start
	// Cause is why a replay is not possible; CauseNone unless Start is StartReset.
	Cause Cause
	// Head is the position that the opening leads to; live begins behind it.
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

// Serve sends the stream's responses until it ends, as push.Stream.Serve does,
// and then forgets it.
func (a *Attached) Serve(ctx context.Context, send func(*push.Response) error) error {
	defer a.Close()
	return a.Stream.Serve(ctx, send)
}

// Close ends the stream if it has not ended, and forgets it. It may be called
// again.
func (a *Attached) Close() {
	a.Stream.Close()
	a.feed.mu.Lock()
	defer a.feed.mu.Unlock()
	a.feed.forget(a)
}

// forget takes a stream out of the table. The caller holds mu.
func (f *Feed) forget(a *Attached) {
	if f.streams[a.connection] == a {
		delete(f.streams, a.connection)
	}
}

// Attach begins a stream: with what came after the cursor, or with a snapshot
// when there is none, or with a Reset and a snapshot when a replay is not
// possible. ctx must be that of the stream's handler: the opening is read from
// the journal under it, later, by the stream's consumer.
//
// The first response's previous cursor is the one resumed after. Before a
// snapshot there is none, and its responses carry none until SnapshotEnd: a client
// that is cut off inside a snapshot asks for another one.
//
// A stream begins no earlier than at the journal's head as it was when Attach was
// called: whoever was answered before it attached finds the answer's events in its
// snapshot or replay.
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
	user, err := f.activeUser(request.User)
	if err != nil {
		return nil, err
	}
	symbols, err := f.authorise(user, request.Subscription)
	if err != nil {
		return nil, err
	}
	a := &Attached{
		Start: StartSnapshot, Head: f.position.At(),
		feed: f, user: user.ID, connection: request.Connection,
		subscription: request.Subscription.clone(),
		topics:       f.names.topicsOf(user, request.Subscription, symbols),
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

// activeUser returns a user who may use the venue. The caller holds mu.
func (f *Feed) activeUser(id trade.UserID) (*trade.User, error) {
	select {
	case <-f.stopped:
		return nil, ErrStopped
	default:
	}
	user := f.views.users[id]
	switch {
	case user == nil:
		return nil, ErrUnknownUser
	case user.Suspended:
		return nil, ErrSuspended
	}
	return user, nil
}

// opening decides how a stream begins, writes it into a, and returns the source
// and what the first response's previous cursor is: none before a snapshot, so
// that the responses inside it carry no cursor either, and a client that is cut off
// there cannot resume after what it does not have. The caller holds mu: what the
// source will say is settled here, although it is read and encoded later.
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

// missed returns the sequences after a cursor that concern the topics, or why
// they cannot be replayed. The caller holds mu.
func (f *Feed) missed(topics []push.Topic, user *trade.User, cursor push.Cursor) ([]uint64, Cause, error) {
	after := cursor.Sequence
	switch {
	case cursor.Epoch != f.log.Epoch():
		return nil, CauseUnknownEpoch, nil
	case after > f.position.At():
		return nil, CauseNone, fmt.Errorf("%w: %d, the venue is at %d", ErrBadCursor, after, f.position.At())
	}
	sequences, cause := f.kept(topics, after, f.options.ReplayEvents+1)
	switch {
	case cause != CauseNone:
		return nil, cause, nil
	case len(sequences) > f.options.ReplayEvents:
		return nil, CauseTooFarBehind, nil
	case after > 0 && f.index.newest(f.names.self(user.ID)[0].topic) > after:
		// From the very beginning a replay lacks nothing.
		return nil, CauseUserChanged, nil
	}
	return sequences, CauseNone, nil
}

// kept returns the first most sequences of the topics after one, or why there
// may have been others. The caller holds mu.
func (f *Feed) kept(topics []push.Topic, after uint64, most int) ([]uint64, Cause) {
	oldest := f.log.Oldest()
	if !f.index.reaches(topics, after) {
		if after+1 < oldest {
			return nil, CauseCompacted
		}
		return nil, CauseTooFarBehind
	}
	sequences := f.index.first(topics, after, most)
	if len(sequences) > 0 && sequences[0] < oldest {
		return nil, CauseCompacted
	}
	return sequences, CauseNone
}
