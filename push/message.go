package push

import (
	"io"
	"sync"
	"time"
)

// Topic is what a message is published to and a stream subscribes to. Its meaning is
// up to the user of the hub, which only compares topics.
type Topic string

// Message is one thing pushed. All streams that receive it and the publisher share
// it: it and its Data must not be changed after it was handed to the hub. Its bytes
// are in Data or, for state, made by Deferred.
type Message struct {
	// Sequence is the publication's. For state it is the sequence that the
	// value reflects; the hub's own messages (heartbeats) have 0.
	Sequence uint64
	// Index orders the messages of one sequence. It must be unique and rising
	// within a publication.
	Index uint32
	// Topic decides who receives it.
	Topic Topic
	// Key is empty for an event. Otherwise the message is state: a later message
	// with the same Topic and Key replaces it.
	Key string
	// Gone means that the key no longer exists, for instance an empty price level.
	// Only for state. Data must carry this to the client.
	Gone bool
	// Kind names the message in counters. Few distinct values.
	Kind string
	// Data is the message as the transport wants it, encoded once. With
	// grpcpush it is one whole entry of the response's repeated field, tag and
	// length included (grpcpush.Layout.Encode makes it). The hub uses only its
	// length.
	Data []byte
	// Deferred makes the data when a stream first sends the message. Only for
	// state, which is often replaced before any stream sends it. Events need Data,
	// because its length counts in the queues.
	Deferred *Deferred
}

// Bytes returns the message's data, which must not be changed. Safe for concurrent
// use; never called under a lock of the hub.
func (m *Message) Bytes() []byte {
	if m.Deferred != nil {
		return m.Deferred.bytes()
	}
	return m.Data
}

// Content makes the data of a message. It must not block or call the hub.
type Content interface{ Encode() []byte }

// Deferred is data that is made at its first use, once for all streams and messages
// that refer to it. It must not be copied after Set.
type Deferred struct {
	once    sync.Once
	content Content // nil once data is made
	data    []byte
}

// Set sets what makes the data. It must be called once, before d is shared.
func (d *Deferred) Set(content Content) { d.content = content }

func (d *Deferred) bytes() []byte {
	d.once.Do(func() { d.data, d.content = d.content.Encode(), nil })
	return d.data
}

// Publication is everything that is published with one sequence. Its events reach
// each stream in one response, its state whenever the stream's interval allows.
type Publication struct {
	Sequence uint64    // Greater than any published before. Gaps are allowed.
	Time     time.Time // When it was committed; the origin of lag measurements.
	Messages []*Message
}

// Group is one step of an opening: messages that belong together, and the
// cursor that stands after them.
type Group struct {
	// Messages in order. None of them is changed after it was handed over.
	Messages []*Message
	// Sequence is where a client may resume once it has the group. It must not
	// fall from one group to the next or pass AttachRequest.After.
	Sequence uint64
	// Unfinished means that the next group belongs to the same step: the responses
	// with this one are marked as fragments and keep the cursor. A snapshot of many
	// groups sets it on all but the last, so that a client that is cut off in between
	// does not resume after half a snapshot.
	Unfinished bool
}

// Source yields the opening of a stream, group by group, and io.EOF after the
// last. It is called by one goroutine at a time, never under a lock, and may block
// for I/O. When the context of the stream's handler ends, it should return the result
// of Hub.Gone. Any other error ends the stream: with its own reason when it is an
// *End, with ReasonInternal otherwise. The hub splits a group that is too big.
type Source func() (Group, error)

// Groups returns a Source of the given groups.
func Groups(groups ...Group) Source {
	return func() (Group, error) {
		if len(groups) == 0 {
			return Group{}, io.EOF
		}
		g := groups[0]
		groups = groups[1:]
		return g, nil
	}
}

// Response is what a stream sends at once. It and its Messages slice are reused: a
// send function must not keep them after it has returned. The messages themselves may
// be kept.
type Response struct {
	Messages []*Message
	// Cursor is where the client may resume once it has this response:
	// every event up to it that concerns this stream has been delivered.
	Cursor uint64
	// Previous is the Cursor of the response before; the first one's is
	// AttachRequest.Resume.
	Previous uint64
	// Number counts the responses of this stream from 1 without gaps. It is
	// what a client acknowledges.
	Number uint64
	// Fragment means that more of the same sequence follows in the next response and
	// that Cursor has not moved yet.
	Fragment bool
	// Committed is the time of the newest publication in it, zero when it has
	// no live events. Not for the wire; lag is measured from it.
	Committed time.Time
	// Conflated is how many updates of the state in it were skipped for this
	// stream since its last flush.
	Conflated uint64
}

// Bytes returns the sum of the messages' lengths.
func (r *Response) Bytes() int {
	total := 0
	for _, m := range r.Messages {
		total += len(m.Bytes())
	}
	return total
}
