// Package wirecost bounds the memory that a message takes once it is decoded, before it is.
// Two bytes on the wire can be an empty entry of a list, which takes hundreds of bytes in
// memory, so that the size of a request says nothing about its cost.
package wirecost

import (
	"reflect"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
)

const (
	// listEntry is what one entry of a list takes in its slice, with the room that append
	// leaves: the header of a text, 16 bytes, or a pointer.
	listEntry = 40
	// unknownMessage is the size of a message whose Go type is not known.
	unknownMessage = 512
	// maxDepth bounds messages in messages. The API has fewer than ten.
	maxDepth = 32
	// perNumber is what a number of a list takes.
	perNumber = 8
	// perByte is what a byte on the wire may take as a text, a number or an unknown field.
	perByte = 2
)

// Table knows types of messages. It does not change after [New].
type Table struct {
	plans map[protoreflect.FullName]*plan
}

// plan says what a message costs beside its bytes.
type plan struct {
	// size is that of the message and of all messages in it, but those in lists.
	size int
	// open are the fields whose cost depends on the wire: lists, and messages with lists.
	open map[protowire.Number]field
}

// field is one such field.
type field struct {
	numbers bool  // A list of numbers, which may be packed.
	of      *plan // Of a message; nil for texts and numbers.
}

// New returns a table of messages of these types, and of all that they may hold.
func New(types ...protoreflect.MessageDescriptor) *Table {
	t := &Table{plans: map[protoreflect.FullName]*plan{}}
	for _, d := range types {
		t.add(d)
	}
	return t
}

// add adds the plan of a type. A type that contains itself is open in itself, so the walk
// over the wire counts each occurrence.
func (t *Table) add(d protoreflect.MessageDescriptor) *plan {
	if p := t.plans[d.FullName()]; p != nil {
		return p
	}
	p := &plan{size: sizeOf(d), open: map[protowire.Number]field{}}
	t.plans[d.FullName()] = p
	for i := range d.Fields().Len() {
		f := d.Fields().Get(i)
		var of *plan
		if m := f.Message(); m != nil {
			unfinished := t.plans[m.FullName()] != nil && m.FullName() == d.FullName()
			of = t.add(m)
			if !f.IsList() && !f.IsMap() && len(of.open) == 0 && !unfinished {
				p.size += of.size // It is decoded once, however often it is on the wire.
				continue
			}
		} else if !f.IsList() {
			continue
		}
		text := f.Kind() == protoreflect.StringKind || f.Kind() == protoreflect.BytesKind
		p.open[f.Number()] = field{numbers: of == nil && !text, of: of}
	}
	return p
}

// sizeOf returns the size of the Go type of a message.
func sizeOf(d protoreflect.MessageDescriptor) int {
	t, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	if err != nil {
		return unknownMessage
	}
	return int(reflect.TypeOf(t.Zero().Interface()).Elem().Size())
}

// Cost returns how many bytes a message of a type takes at most once it is decoded, or any
// number above limit if it is more. A message of an unknown type costs nothing but its
// bytes. Data that cannot be decoded is counted up to the error.
func (t *Table) Cost(name protoreflect.FullName, data []byte, limit int) int {
	total := perByte * len(data)
	if p := t.plans[name]; p != nil {
		total += p.size
		p.walk(data, limit, 0, &total)
	}
	return total
}

// walk adds the cost of open fields, until the total is over the limit.
func (p *plan) walk(data []byte, limit, depth int, total *int) {
	if len(p.open) == 0 {
		return
	}
	if depth > maxDepth {
		*total = limit + 1
	}
	packed := 0 // Bytes of packed lists of numbers so far.
	for len(data) > 0 && *total <= limit {
		number, kind, n := protowire.ConsumeTag(data)
		if n < 0 {
			return
		}
		data = data[n:]
		n = protowire.ConsumeFieldValue(number, kind, data)
		if n < 0 {
			return
		}
		if f, ok := p.open[number]; ok {
			if f.numbers && kind == protowire.BytesType {
				// Each part of a packed list copies the list into one that just fits.
				*total += perNumber * packed
				packed += n
			}
			f.count(kind, data[:n], limit, depth, total)
		}
		data = data[n:]
	}
}

// count adds the cost of one occurrence of a field.
func (f field) count(kind protowire.Type, value []byte, limit, depth int, total *int) {
	if kind == protowire.StartGroupType {
		return // Unknown: no message of the API has groups.
	}
	inside := value
	if kind == protowire.BytesType {
		inside, _ = protowire.ConsumeBytes(value)
	}
	*total += listEntry
	switch {
	case f.of != nil:
		*total += f.of.size
		f.of.walk(inside, limit, depth+1, total)
	case f.numbers: // One in each byte at most.
		*total += perNumber * len(inside)
	}
}

// Costs of JSON, which has no types before it is decoded.
const (
	jsonObject = 512 // Larger than any message of the API without those in it.
	jsonValue  = listEntry
)

// JSON returns how many bytes a message in JSON takes at most once it is decoded.
func JSON(text []byte) int {
	total := perByte * len(text)
	quoted := false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted:
			switch c {
			case '\\':
				i++
			case '"':
				quoted = false
			}
		case c == '"':
			quoted = true
		case c == '{' || c == '[':
			total += jsonObject
		case c == ',' || c == ':':
			total += jsonValue
		}
	}
	return total
}
