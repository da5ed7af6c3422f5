package bench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/h2"
)

// One client's stream and the checks on it: every announcement of the run arrives once and
// in order, and the cursors of the responses form a chain.

// Field numbers of what a feed carries.
const (
	feedConnectionID = 1 // FeedNotificationRequest and AcknowledgeNotificationsRequest
	feedResumeAfter  = 2
	feedInstanceID   = 4
	ackAttach        = 2
	ackNumber        = 3

	responseMessages = 2
	responseCursor   = 3
	responsePrevious = 4
	responseNumber   = 6

	messageSequence     = 1
	messageHello        = 10
	messageSnapshotEnd  = 12
	messageReset        = 13
	messageAnnouncement = 31

	helloStart       = 9
	helloAttach      = 10
	announcementText = 2
)

// acknowledgeEvery is how often a feed acknowledges; the protocol asks for 15 s.
const acknowledgeEvery = 10 * time.Second

// errResponse says that a response cannot be read.
var errResponse = errors.New("bench: a response that is not a valid message")

// feed is one client's stream across its connections. Not safe for concurrent use.
type feed struct {
	id string // of its connection at the venue
	// Encoded headers of its requests.
	attachHeaders, acknowledgeHeaders []byte

	tally  *tally
	seen   numberSet
	latest uint64 // sequence of the last announcement
	cursor []byte // of the last response
	// apart keeps its deliveries out of the figures of the other clients.
	apart bool

	live     bool // since the snapshot's end, or the replay's beginning
	attach   uint64
	number   uint64 // of the last response
	acked    uint64 // the last one that was acknowledged
	ackedAt  time.Duration
	partial  []byte // of a message that has not arrived whole
	response response
}

// response is what a FeedNotificationResponse says besides announcements.
type response struct {
	cursor, previous []byte
	number           uint64
}

// begin prepares for the next stream; what was received before is kept.
func (f *feed) begin() {
	f.live, f.attach, f.number, f.acked, f.partial = false, 0, 0, 0, f.partial[:0]
}

func (f *feed) attachRequest() []byte {
	b := appendText(nil, feedConnectionID, f.id)
	if len(f.cursor) > 0 {
		b = appendText(b, feedResumeAfter, f.cursor)
	}
	return appendText(b, feedInstanceID, f.id)
}

func (f *feed) acknowledgeRequest(number uint64) []byte {
	b := appendText(nil, feedConnectionID, f.id)
	return appendNumber(appendNumber(b, ackAttach, f.attach), ackNumber, number)
}

// acknowledgement returns the number to acknowledge now, or 0.
func (f *feed) acknowledgement(now time.Duration) uint64 {
	if f.attach == 0 || f.number == f.acked || now-f.ackedAt < acknowledgeEvery {
		return 0
	}
	f.acked, f.ackedAt = f.number, now
	return f.number
}

// data takes a piece of the stream that arrived at now.
func (f *feed) data(b []byte, now time.Duration) error {
	if len(f.partial) > 0 {
		f.partial = append(f.partial, b...)
		b = f.partial
	}
	for len(b) >= h2.PrefixSize {
		length := int(binary.BigEndian.Uint32(b[1:]))
		if b[0] != 0 || length > maxFeedMessage {
			return fmt.Errorf("%w: flag %d, %d bytes", errResponse, b[0], length)
		}
		if len(b) < h2.PrefixSize+length {
			break
		}
		if err := f.receive(b[h2.PrefixSize:h2.PrefixSize+length], now); err != nil {
			return err
		}
		b = b[h2.PrefixSize+length:]
	}
	f.partial = append(f.partial[:0], b...)
	return nil
}

// receive takes a response.
func (f *feed) receive(message []byte, now time.Duration) error {
	f.response = response{}
	err := fields(message, func(number protowire.Number, v uint64, bytes []byte) error {
		switch number { //nolint:exhaustive // the other fields are skipped
		case responseMessages:
			return f.message(bytes, now)
		case responseCursor:
			f.response.cursor = bytes
		case responsePrevious:
			f.response.previous = bytes
		case responseNumber:
			f.response.number = v
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("%w: %w", errResponse, err)
	}
	f.tally.response(now)
	// The yardstick has neither numbers nor cursors: all are empty then.
	if string(f.response.previous) != string(f.cursor) || f.response.number != 0 && f.response.number != f.number+1 {
		f.tally.broken++
	}
	f.number = f.response.number
	f.cursor = append(f.cursor[:0], f.response.cursor...)
	return nil
}

func (f *feed) message(message []byte, now time.Duration) error {
	sequence := uint64(0)
	return fields(message, func(number protowire.Number, v uint64, bytes []byte) error {
		switch number { //nolint:exhaustive // the other messages are skipped
		case messageSequence:
			sequence = v
		case messageHello:
			return f.hello(bytes)
		case messageSnapshotEnd:
			f.live = true
		case messageReset:
			f.tally.resets++
			f.cursor = f.cursor[:0]
		case messageAnnouncement:
			return fields(bytes, func(number protowire.Number, _ uint64, text []byte) error {
				if number == announcementText {
					f.announced(text, sequence, now)
				}
				return nil
			})
		}
		return nil
	})
}

func (f *feed) hello(hello []byte) error {
	return fields(hello, func(number protowire.Number, v uint64, _ []byte) error {
		switch number { //nolint:exhaustive // the other fields are skipped
		case helloStart:
			f.live = f.live || v == uint64(todokuv1.Hello_START_REPLAY)
		case helloAttach:
			f.attach = v
		}
		return nil
	})
}

// announced takes an announcement. Others than this run's are skipped.
func (f *feed) announced(text []byte, sequence uint64, now time.Duration) {
	n, sent, ok := readEvent(text, f.tally.run)
	if !ok {
		return
	}
	switch {
	case !f.seen.add(n):
		f.tally.duplicated++
		return
	case sequence != 0 && sequence <= f.latest:
		f.tally.disordered++
	}
	f.latest, f.tally.last = sequence, now
	if !f.apart {
		f.tally.delivered(n, sent, now)
	}
}

// Events of a run are announcements whose text holds the run, the event's number, when it
// was due, and padding up to the payload's length.
const (
	hexDigits = 16
	// eventHead is the length of an event without padding.
	eventHead = runLength + 2*hexDigits
	runLength = 8
)

// appendEvent appends the text of event n, which was due at a time of the run.
func appendEvent(b []byte, run string, n uint64, due time.Duration, size int) []byte {
	end := len(b) + size
	b = append(b, run...)
	b = appendHex(b, n)
	b = appendHex(b, uint64(due))
	for len(b) < end {
		b = append(b, '.')
	}
	return b
}

func appendHex(b []byte, v uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[v>>shift&15])
	}
	return b
}

// readEvent reads what appendEvent wrote; false for other texts.
func readEvent(text []byte, run string) (n uint64, due time.Duration, ok bool) {
	if len(text) < eventHead || string(text[:runLength]) != run {
		return 0, 0, false
	}
	n, err := strconv.ParseUint(string(text[runLength:runLength+hexDigits]), 16, 64)
	at, err2 := strconv.ParseUint(string(text[runLength+hexDigits:eventHead]), 16, 64)
	return n, time.Duration(at), err == nil && err2 == nil && n <= maxEvents
}

// maxEvents bounds the events of a run, and with it the memory that a text can take.
const maxEvents = 1 << 28
