package record

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"todoku/trade"
)

// ErrUnwritable says that a value would not read back: a text that is not UTF-8, an enum
// outside its range, an event that is nil. The engine checks its input, so this is a
// defect of the engine.
var ErrUnwritable = errors.New("record: cannot be encoded")

// writer appends fields to buf. Fields with their zero value are left out, as
// proto3 does. The first error stays.
type writer struct {
	buf []byte
	// sequence is that of the record which is being written; 0 outside one.
	sequence uint64
	// levels says that instruments are written with the levels of their books and with
	// their last trades.
	levels bool
	err    error
}

func (w *writer) fail(what string) {
	if w.err == nil {
		w.err = fmt.Errorf("%w: %s", ErrUnwritable, what)
	}
}

// tag writes a field's number and wire type: one byte for most, whose number is below 16.
func (w *writer) tag(field protowire.Number, kind protowire.Type) {
	if field < 16 {
		w.buf = append(w.buf, byte(field)<<3|byte(kind))
		return
	}
	w.buf = protowire.AppendTag(w.buf, field, kind)
}

func (w *writer) uint(field protowire.Number, v uint64) {
	if v != 0 {
		w.tag(field, protowire.VarintType)
		w.buf = protowire.AppendVarint(w.buf, v)
	}
}

// lastChange writes the sequence of the last change of an order or a position. It is left
// out if it is the record's own, as it nearly always is in events: reader.sequence
// restores it.
func (w *writer) lastChange(field protowire.Number, sequence uint64) {
	if sequence != w.sequence {
		w.uint(field, sequence)
	}
}

// displayed writes the displayed quantity if it differs from leaves. Before this field,
// every order displayed all of its leaves.
func (w *writer) displayed(field protowire.Number, o *trade.Order) {
	if o.Displayed != o.Leaves { // Zero is written as well.
		w.tag(field, protowire.VarintType)
		w.buf = protowire.AppendVarint(w.buf, uint64(o.Displayed))
	}
}

func (w *writer) int(field protowire.Number, v int64) { w.uint(field, uint64(v)) }

// sint is for numbers that are often negative.
func (w *writer) sint(field protowire.Number, v int64) { w.uint(field, protowire.EncodeZigZag(v)) }

func (w *writer) bool(field protowire.Number, v bool) { w.uint(field, protowire.EncodeBool(v)) }

func (w *writer) fixed(field protowire.Number, v uint64) {
	if v != 0 {
		w.tag(field, protowire.Fixed64Type)
		w.buf = protowire.AppendFixed64(w.buf, v)
	}
}

func (w *writer) reason(field protowire.Number, v trade.Reason) {
	if v > maxReason {
		w.fail("a reason out of range")
	}
	w.uint(field, uint64(v))
}

// writeEnum takes the number of values, so that a value that reader refuses is never
// written.
func writeEnum[T ~int8](w *writer, field protowire.Number, v, count T) {
	if v < 0 || v >= count {
		w.fail("an enum value out of range")
	}
	w.uint(field, uint64(v))
}

func writeText[T ~string](w *writer, field protowire.Number, v T) {
	if v != "" {
		writeElement(w, field, v)
	}
}

// writeElement writes an element of a list, also when it is empty.
func writeElement[T ~string](w *writer, field protowire.Number, v T) {
	if !utf8.ValidString(string(v)) {
		w.fail("a text that is not UTF-8")
	}
	w.tag(field, protowire.BytesType)
	w.buf = protowire.AppendString(w.buf, string(v))
}

// open begins a message inside this one; close ends it. Most messages are
// shorter than 128 bytes, so one byte is reserved for the length and a longer message is
// moved: this is cheaper than measuring every message first.
func (w *writer) open(field protowire.Number) (start int) {
	w.tag(field, protowire.BytesType)
	w.buf = append(w.buf, 0)
	return len(w.buf)
}

func (w *writer) close(start int) {
	size := len(w.buf) - start
	if size < 1<<7 {
		w.buf[start-1] = byte(size)
		return
	}
	more := protowire.SizeVarint(uint64(size)) - 1
	for range more {
		w.buf = append(w.buf, 0)
	}
	copy(w.buf[start+more:], w.buf[start:start+size])
	protowire.AppendVarint(w.buf[:start-1], uint64(size))
}
