package record

import (
	"errors"
	"fmt"
	"math"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"todoku/trade"
)

// ErrMalformed says that bytes are not a record or snapshot that this version
// understands. It is wrapped with what is wrong and never quotes the bytes.
var ErrMalformed = errors.New("record: malformed")

// maxReason bounds reasons: their numbers have three digits.
const maxReason trade.Reason = 999

// reader reads fields from the front of buf, the unread part of the innermost message.
// After an error it finds no more fields, so that only the end of a decoding has to
// look at err.
type reader struct {
	buf   []byte
	field int32
	kind  protowire.Type
	err   error
	// sequence is that of the record which is being read; 0 outside one.
	sequence uint64
	// levels says that an instrument was read with the levels of its book.
	levels bool
	// memory is where events and texts come from; nil for a single decoding.
	memory *Decoder

	// The same few names are all over a record, so each is allocated once. Remembering
	// more of them costs more in comparisons than it saves.
	recent [12]string
	oldest int
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: field %d: %s", ErrMalformed, r.field, what)
	}
	r.buf = nil
}

// next reads the tag of the next field and reports whether there is one.
func (r *reader) next() bool {
	if len(r.buf) == 0 {
		return false
	}
	if b := r.buf[0]; b >= 1<<3 && b < 1<<7 { // One byte, as most are.
		r.field, r.kind, r.buf = int32(b>>3), protowire.Type(b&7), r.buf[1:]
		return true
	}
	field, kind, n := protowire.ConsumeTag(r.buf)
	if n < 0 || field > protowire.MaxValidNumber {
		r.fail("not followed by a field")
		return false
	}
	r.field, r.kind, r.buf = int32(field), kind, r.buf[n:]
	return true
}

// expect refuses a known field of another wire type. The generated code would skip it,
// but no version writes it so.
func (r *reader) expect(kind protowire.Type) bool {
	if r.kind != kind {
		r.fail("unexpected wire type")
		return false
	}
	return true
}

func (r *reader) uint() uint64 {
	if !r.expect(protowire.VarintType) {
		return 0
	}
	if len(r.buf) > 0 && r.buf[0] < 1<<7 {
		v := uint64(r.buf[0])
		r.buf = r.buf[1:]
		return v
	}
	v, n := protowire.ConsumeVarint(r.buf)
	if n < 0 {
		r.fail("not a number")
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

func (r *reader) int() int64  { return int64(r.uint()) }
func (r *reader) sint() int64 { return protowire.DecodeZigZag(r.uint()) }
func (r *reader) bool() bool  { return protowire.DecodeBool(r.uint()) }

func (r *reader) uint32() uint32 {
	return uint32(r.upTo(math.MaxUint32))
}

func (r *reader) reason() trade.Reason {
	return trade.Reason(r.upTo(uint64(maxReason)))
}

func (r *reader) upTo(most uint64) uint64 {
	v := r.uint()
	if v > most {
		r.fail("a number out of range")
		return 0
	}
	return v
}

func readEnum[T ~int8](r *reader, count uint64) T { return T(r.upTo(count - 1)) }

func (r *reader) fixed() uint64 {
	if !r.expect(protowire.Fixed64Type) {
		return 0
	}
	v, n := protowire.ConsumeFixed64(r.buf)
	if n < 0 {
		r.fail("not a number")
		return 0
	}
	r.buf = r.buf[n:]
	return v
}

func (r *reader) bytes() []byte {
	if !r.expect(protowire.BytesType) {
		return nil
	}
	v, n := protowire.ConsumeBytes(r.buf)
	if n < 0 {
		r.fail("longer than what follows")
		return nil
	}
	r.buf = r.buf[n:]
	return v
}

func readText[T ~string](r *reader) T { return T(r.text()) }

func (r *reader) text() string {
	b := r.bytes()
	if len(b) == 0 {
		return ""
	}
	if r.memory == nil {
		return r.remember(b, r.recent[:], &r.oldest)
	}
	return r.keep(b, r.memory.names.find(b))
}

// request reads the name of a request. As a rule no two records share one, so it is
// looked for among the most recent only: in the table of names it would replace names
// that come back.
func (r *reader) request() trade.RequestID {
	b := r.bytes()
	if len(b) == 0 {
		return ""
	}
	if r.memory == nil {
		return trade.RequestID(r.remember(b, r.recent[:], &r.oldest))
	}
	return trade.RequestID(r.remember(b, r.memory.requests[:], &r.memory.oldest))
}

// remember returns a text, the same one if it is among recent.
func (r *reader) remember(b []byte, recent []string, oldest *int) string {
	for i := range recent {
		if recent[i] == string(b) {
			return recent[i]
		}
	}
	place := &recent[*oldest]
	*oldest = (*oldest + 1) % len(recent)
	return r.keep(b, place)
}

// keep returns a text, the same one if place has it already.
func (r *reader) keep(b []byte, place *string) string {
	if *place == string(b) {
		return *place
	}
	if !utf8.Valid(b) {
		r.fail("not UTF-8")
		return ""
	}
	*place = string(b)
	return *place
}

// open goes into the message inside this field, and returns the bytes after it, for
// close.
func (r *reader) open() (after []byte) {
	inside := r.bytes()
	after = r.buf
	r.buf = inside
	return after
}

func (r *reader) close(after []byte) {
	if r.err == nil {
		r.buf = after
	}
}

// skip skips a field that a later version has added.
func (r *reader) skip() {
	n := protowire.ConsumeFieldValue(protowire.Number(r.field), r.kind, r.buf)
	if n < 0 {
		r.fail("cut short")
		return
	}
	r.buf = r.buf[n:]
}

// count returns how many fields of a number the unread part of the message has, so that
// a list is allocated once. Malformed bytes are left to the reading itself.
func (r *reader) count(field protowire.Number) int {
	found := 0
	for b := r.buf; len(b) > 0; {
		number, _, n := protowire.ConsumeField(b)
		if n < 0 {
			break
		}
		if number == field {
			found++
		}
		b = b[n:]
	}
	return found
}
