package record

import (
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"todoku/trade"
)

// requestsField holds the requests of a snapshot. They come last in it and are nearly
// all of it, millions at the end of a busy day. The bytes of one never change, so the
// next snapshot can copy them.
const requestsField = 13

// Requests are the encoded requests of a snapshot, oldest first.
type Requests []byte

// CutRequests splits a snapshot that [EncodeSnapshot] wrote: core is the same snapshot
// without its requests, for [DecodeSnapshot]. Both share memory with data. The error
// is [ErrMalformed].
func CutRequests(data []byte) (core []byte, requests Requests, err error) {
	from, to := 0, 0
	for to < len(data) {
		field, _, n := protowire.ConsumeField(data[to:])
		if n < 0 {
			return nil, nil, fmt.Errorf("%w: at byte %d: not a field", ErrMalformed, to)
		}
		if field > requestsField { // Fields of a later version are dropped.
			break
		}
		to += n
		if field < requestsField {
			from = to
		}
	}
	return data[:from], data[from:to], nil
}

// Since returns those that were answered at a time or later. The error is
// [ErrMalformed].
func (q Requests) Since(time int64) (Requests, error) {
	c := codec{}
	for len(q) > 0 {
		_, _, n := protowire.ConsumeField(q)
		if n < 0 {
			return nil, fmt.Errorf("%w: a request: not a field", ErrMalformed)
		}
		var s trade.RequestState
		c.buf, c.at, c.end = q[:n], 0, n
		c.advance(0)
		if requestState(&c, requestsField, &s); c.err != nil {
			return nil, c.err
		}
		if s.Time >= time {
			return q, nil
		}
		q = q[n:]
	}
	return nil, nil
}

func requestState(c *codec, field int32, s *trade.RequestState) {
	for m := c.open(field); c.next(&m); {
		text(c, 1, &s.User)
		text(c, 2, &s.Account)
		request(c, 3, &s.Request)
		c.fixed(4, &s.Fingerprint)
		number(c, 5, &s.Time)
		answer(c, 6, &s.Answer)
	}
}
