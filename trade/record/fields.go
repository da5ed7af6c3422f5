package record

import (
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"todoku/trade"
)

// The functions in this file write or read one field of a message, see [codec]. Most
// only check whether there is something to do, so that the compiler can inline them,
// and call another function that does it. The tag of a field below 16 is one byte; only
// numbers have a field above.

// maxReason bounds reasons: their numbers have three digits.
const maxReason = 999

func number[T ~int64 | ~uint64](c *codec, field int32, v *T) {
	if c.field == field || *v != 0 {
		move(c, field, v)
	}
}

// move writes a number also when it is zero.
func move[T ~int64 | ~uint64](c *codec, field int32, v *T) {
	switch c.field {
	case writing:
		b := c.buf
		if field < 16 {
			b = append(b, byte(field)<<3)
		} else { // Two bytes.
			b = protowire.AppendTag(b, protowire.Number(field), protowire.VarintType)
		}
		n := uint64(*v)
		for ; n >= 1<<7; n >>= 7 {
			b = append(b, byte(n)|1<<7)
		}
		c.buf = append(b, byte(n))
	case field:
		*v = T(c.uint())
	}
}

// enum is a number of which a version knows only the first values.
func enum[T ~int8](c *codec, field int32, v *T, count uint64) {
	if c.field == field || *v != 0 {
		moveBounded(c, field, v, count-1)
	}
}

// bounded is a number of fewer than 64 bits, or one that has a highest value.
func bounded[T ~uint8 | ~uint16 | ~uint32](c *codec, field int32, v *T, most uint64) {
	if c.field == field || *v != 0 {
		moveBounded(c, field, v, most)
	}
}

func moveBounded[T ~int8 | ~uint8 | ~uint16 | ~uint32](c *codec, field int32, v *T, most uint64) {
	n := uint64(*v)
	move(c, field, &n)
	if n > most {
		c.fail("a number out of range")
	}
	if c.field != writing {
		*v = T(n)
	}
}

// signed is for numbers that are often negative.
func (c *codec) signed(field int32, v *trade.Quantity) {
	n := protowire.EncodeZigZag(int64(*v))
	number(c, field, &n)
	if c.field != writing {
		*v = trade.Quantity(protowire.DecodeZigZag(n))
	}
}

func (c *codec) bool(field int32, v *bool) {
	if c.field != field && !*v {
		return
	}
	n := uint64(1)
	move(c, field, &n)
	if c.field != writing {
		*v = n != 0
	}
}

// lastChange is the sequence of what changed something last. It is left out where it
// is the record's own, as it nearly always is in events; who reads sets that before.
func (c *codec) lastChange(field int32, sequence *uint64) {
	if c.field != writing || *sequence != c.sequence {
		number(c, field, sequence)
	}
}

func (c *codec) fixed(field int32, v *uint64) {
	switch {
	case c.field == writing && *v != 0:
		c.buf = append(c.buf, byte(field)<<3|byte(protowire.Fixed64Type))
		c.buf = protowire.AppendFixed64(c.buf, *v)
	case c.field == field && c.expect(protowire.Fixed64Type):
		n, size := protowire.ConsumeFixed64(c.buf[c.at:c.end])
		if size < 0 {
			c.fail("not a number")
			return
		}
		*v = n
		c.advance(size)
	}
}

func text[T ~string](c *codec, field int32, v *T) {
	if c.field == field || *v != "" {
		moveText(c, field, v, false)
	}
}

// request is the name of a request. As a rule no two records share one, so it is
// looked for among the most recent only: in the decoder's table it would replace names
// that come back.
func request[T ~string](c *codec, field int32, v *T) {
	if c.field == field || *v != "" {
		moveText(c, field, v, true)
	}
}

// moveText writes a text also when it is empty.
func moveText[T ~string](c *codec, field int32, v *T, once bool) {
	switch c.field {
	case writing:
		c.putText(field, string(*v))
	case field:
		*v = T(c.text(once))
	}
}

func texts[T ~string](c *codec, field int32, list *[]T) {
	if c.field == writing {
		for i := range *list {
			moveText(c, field, &(*list)[i], false)
		}
	}
	for c.field == field {
		*list = append(*list, T(c.text(false)))
	}
}

func list[T any](c *codec, field int32, list *[]T, element func(*codec, int32, *T)) {
	if c.field == writing {
		for i := range *list {
			element(c, field, &(*list)[i])
		}
	}
	for c.field == field {
		*list = append(*list, *new(T))
		element(c, field, &(*list)[len(*list)-1])
	}
}

func (c *codec) putText(field int32, v string) {
	if !utf8.ValidString(v) {
		c.fail("a text that is not UTF-8")
	}
	if len(v) < 1<<7 {
		c.buf = append(append(c.buf, byte(field)<<3|byte(protowire.BytesType), byte(len(v))), v...)
		return
	}
	c.buf = append(c.buf, byte(field)<<3|byte(protowire.BytesType))
	c.buf = protowire.AppendString(c.buf, v)
}

// expect refuses a known field of another wire type. The generated code would skip it,
// but no version writes it so.
func (c *codec) expect(kind protowire.Type) bool {
	if c.kind != kind {
		c.fail("of another wire type")
	}
	return c.err == nil
}

func (c *codec) uint() uint64 {
	if !c.expect(protowire.VarintType) {
		return 0
	}
	if c.at < c.end && c.buf[c.at] < 1<<7 {
		v := uint64(c.buf[c.at])
		c.advance(1)
		return v
	}
	v, n := protowire.ConsumeVarint(c.buf[c.at:c.end])
	if n < 0 {
		c.fail("not a number")
		return 0
	}
	c.advance(n)
	return v
}

// delimited returns a text or the body of a message, and goes to its end.
func (c *codec) delimited() []byte {
	if !c.expect(protowire.BytesType) {
		return nil
	}
	b := c.buf[c.at:c.end]
	if len(b) > 0 && b[0] < 1<<7 && int(b[0]) < len(b) { // A length of one byte, as most are.
		c.at += 1 + int(b[0])
		return b[1 : 1+int(b[0])]
	}
	b, n := protowire.ConsumeBytes(b)
	if n < 0 {
		c.fail("longer than what follows")
		return nil
	}
	c.at += n
	return b
}

// text reads a text. One that was read before and is still remembered is not allocated
// again. A text that occurs once must not displace names in the decoder's memory.
func (c *codec) text(once bool) string {
	b := c.delimited()
	c.advance(0)
	var place *string
	switch {
	case len(b) == 0:
		return ""
	case c.memory == nil:
		place = recall(b, c.recent[:], &c.oldest)
	case once:
		place = recall(b, c.memory.requests[:], &c.memory.oldest)
	default:
		place = c.memory.names.find(b)
	}
	if *place != string(b) {
		if !utf8.Valid(b) {
			c.fail("not UTF-8")
			return ""
		}
		*place = string(b)
	}
	return *place
}

// recall returns where a text is among recent ones, or the oldest, which it replaces.
func recall(b []byte, recent []string, oldest *int) *string {
	for i := range recent {
		if recent[i] == string(b) {
			return &recent[i]
		}
	}
	place := &recent[*oldest]
	*oldest = (*oldest + 1) % len(recent)
	return place
}
