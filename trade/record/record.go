package record

import (
	"math"

	"todoku/trade"
)

// Encode appends a record to dst and returns the longer slice. The journal keeps
// Sequence and Time beside the record, so they are left out, and so is the Sequence of
// the answer and of what the record changed. The error is [ErrUnwritable]; dst is then
// returned as it was.
func Encode(dst []byte, r *trade.Record) ([]byte, error) {
	c := codec{field: writing, buf: dst, sequence: r.Sequence}
	fields(&c, r)
	return c.written(dst)
}

// Decode reads what [Encode] wrote; sequence and time are the journal's. The
// error is [ErrMalformed]. Nothing in the record refers to data.
func Decode(sequence uint64, time int64, data []byte) (*trade.Record, error) {
	c := codec{buf: data, sequence: sequence}
	r := &trade.Record{Sequence: sequence, Time: time}
	if n := count(data, eventsField); n > 0 {
		r.Events = make([]trade.Event, 0, n)
	}
	return c.record(r)
}

// record reads a record that has nothing but its place in the journal.
func (c *codec) record(r *trade.Record) (*trade.Record, error) {
	fields(c, r)
	if c.err != nil {
		return nil, c.err
	}
	r.Command.Answer.Sequence = r.Sequence
	return r, nil
}

const eventsField = 7

func fields(c *codec, r *trade.Record) {
	command := &r.Command
	for m := c.open(whole); c.next(&m); {
		enum(c, 1, &command.Kind, trade.CommandKindCount)
		text(c, 2, &command.User)
		text(c, 3, &command.Account)
		request(c, 4, &command.Request)
		c.fixed(5, &command.Fingerprint)
		answer(c, 6, &command.Answer)
		eventList(c, eventsField, &r.Events)
	}
}

// answer has its sequence in a snapshot only. The subject is left out where it is what
// the answers of earlier versions were about: an order, if there is an id.
func answer(c *codec, field int32, a *trade.Answer) {
	subject := a.Subject
	if subject == subjectOf(a.ID) {
		subject = trade.SubjectNone
	} else if subject == trade.SubjectNone {
		c.fail("an id without a subject")
	}
	for m := c.open(field); c.next(&m); {
		number(c, 1, &a.ID)
		enum(c, 2, &a.Status, trade.OrderStatusCount)
		number(c, 3, &a.Filled)
		number(c, 4, &a.Leaves)
		bounded(c, 5, &a.Reason, maxReason)
		bounded(c, 6, &a.Count, math.MaxUint32)
		c.lastChange(7, &a.Sequence)
		enum(c, 8, &subject, trade.SubjectCount)
	}
	if c.field != writing {
		if a.Subject = subject; subject == trade.SubjectNone {
			a.Subject = subjectOf(a.ID)
		}
	}
}

func subjectOf(id uint64) trade.Subject {
	if id == 0 {
		return trade.SubjectNone
	}
	return trade.SubjectOrder
}
