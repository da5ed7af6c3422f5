package record

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"
)

var (
	// ErrMalformed says that bytes are not a record or snapshot that this version
	// understands. It is wrapped with what is wrong and never quotes the bytes.
	ErrMalformed = errors.New("record: malformed")
	// ErrUnwritable says that a value would not read back: a text that is not UTF-8,
	// an enum outside its range, an event that is nil. The engine checks its input, so
	// this is a defect of the engine.
	ErrUnwritable = errors.New("record: cannot be encoded")
)

// codec writes the fields of messages, or reads them, so that one function lists the
// fields of a message for both:
//
//	for m := c.open(field); c.next(&m); {
//		text(c, 1, &v.Name)
//		number(c, 2, &v.Price)
//	}
//
// Writing runs the loop once and leaves out fields that are zero, as proto3 does.
// Reading runs it until the message ends: once when the fields are in ascending order,
// as this package writes them, and once more for each field that is not. A field that
// no pass takes is one of a later version and is skipped.
//
// The first error stays. After it, reading finds no more fields, so only the end of a
// decoding has to look at it.
type codec struct {
	buf []byte // all that was written so far, or all that is to be read
	// field is the next field to read, 0 at the end of the message, or writing.
	field int32
	// levels says whether instruments are written, or were read, with their levels.
	levels bool
	err    error
	// sequence is that of the record which is written or read; 0 outside one.
	sequence uint64

	// Only for reading: the next field's wire type; where its value begins and the
	// message ends in buf; where events and texts come from, nil for a single decoding.
	kind    protowire.Type
	at, end int
	memory  *Decoder
	// The same few names are all over a record, so each is allocated once; remembering
	// more costs more in comparisons than it saves.
	recent [12]string
	oldest int
}

// message is one message while its fields are written or read.
type message struct {
	begun   bool
	whole   bool
	reading bool // until the end
	start   int  // writing: where the body begins
	outer   int  // reading: the end of the message around it
	pass    int  // reading: codec.at when the last pass began
}

const (
	// whole is the field of a message that is in no other.
	whole = 0
	// writing is the field of a codec that writes.
	writing = -1
)

// open begins a message inside this one. Most messages are shorter than 128 bytes, so
// one byte is reserved for the length and a longer message is moved: this is cheaper
// than measuring every message first.
func (c *codec) open(field int32) message {
	if c.field == writing {
		if field != whole {
			c.buf = append(c.buf, byte(field)<<3|byte(protowire.BytesType), 0)
		}
		return message{whole: field == whole, start: len(c.buf)}
	}
	outer := 0
	switch field {
	case whole:
		c.at, c.end = 0, len(c.buf)
	case c.field:
		n := len(c.delimited())
		c.at -= n
		outer, c.end = c.end, c.at+n
	default:
		return message{begun: true}
	}
	c.advance(0)
	return message{reading: true, outer: outer, pass: c.at}
}

// next reports whether the fields of a message are to be passed to the codec (again).
func (c *codec) next(m *message) bool {
	if !m.begun {
		m.begun = true
		return true
	}
	return c.again(m)
}

func (c *codec) again(m *message) bool {
	switch {
	case c.field == writing:
		if !m.whole {
			c.setLength(m.start)
		}
		return false
	case !m.reading:
		return false
	}
	for c.field != 0 {
		if c.at != m.pass {
			m.pass = c.at
			return true
		}
		c.skip()
	}
	m.reading = false
	if c.err == nil {
		c.end = m.outer
		c.advance(0)
	}
	return false
}

// setLength writes the length of the message that began at start.
func (c *codec) setLength(start int) {
	size := len(c.buf) - start
	if size < 1<<7 {
		c.buf[start-1] = byte(size)
		return
	}
	more := protowire.SizeVarint(uint64(size)) - 1
	for range more {
		c.buf = append(c.buf, 0)
	}
	copy(c.buf[start+more:], c.buf[start:start+size])
	protowire.AppendVarint(c.buf[:start-1], uint64(size))
}

func (c *codec) fail(what string) {
	switch {
	case c.err != nil:
	case c.field != writing:
		c.err = fmt.Errorf("%w: field %d: %s", ErrMalformed, c.field, what)
		c.field, c.at, c.end = 0, 0, 0
	default:
		c.err = fmt.Errorf("%w: %s", ErrUnwritable, what)
	}
}

// written returns what was appended to dst.
func (c *codec) written(dst []byte) ([]byte, error) {
	if c.err != nil {
		return dst, c.err
	}
	return c.buf, nil
}

// advance drops the n bytes of a value and reads the tag of the next field.
func (c *codec) advance(n int) {
	c.at += n
	if c.at >= c.end {
		c.field = 0
		return
	}
	if b := c.buf[c.at]; b >= 1<<3 && b < 1<<7 { // One byte, as most are.
		c.field, c.kind, c.at = int32(b>>3), protowire.Type(b&7), c.at+1
		return
	}
	field, kind, n := protowire.ConsumeTag(c.buf[c.at:c.end])
	if n < 0 || field > protowire.MaxValidNumber {
		c.fail("not followed by a field")
		return
	}
	c.field, c.kind = int32(field), kind
	c.at += n
}

// skip passes over a field that a later version has added.
func (c *codec) skip() {
	n := protowire.ConsumeFieldValue(protowire.Number(c.field), c.kind, c.buf[c.at:c.end])
	if n < 0 {
		c.fail("cut short")
		return
	}
	c.advance(n)
}

// count returns how many fields of a number the message that data begins has, so that
// a list is allocated once. Malformed bytes are left to the reading itself.
func count(data []byte, field protowire.Number) int {
	found := 0
	for len(data) > 0 {
		number, _, n := protowire.ConsumeField(data)
		if n < 0 {
			break
		}
		if number == field {
			found++
		}
		data = data[n:]
	}
	return found
}
