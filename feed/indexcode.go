package feed

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"maps"
	"slices"
	"time"

	"todoku/push"
)

// The encoding of the index: version, epoch, base, position, marks, topics in
// alphabetical order, and a CRC-32C of all that. Numbers are uvarints. It is only a
// checkpoint: one of another version is dropped, and the index is made again from the
// journal.

const indexVersion = 1

func encodeIndex(epoch string, x *index) []byte {
	out := []byte{indexVersion}
	out = appendText(out, epoch)
	out = binary.AppendUvarint(out, x.base)
	out = binary.AppendUvarint(out, x.position)
	out = binary.AppendUvarint(out, uint64(len(x.marks)))
	for _, m := range x.marks {
		out = binary.AppendUvarint(out, m.sequence)
		out = binary.AppendUvarint(out, uint64(m.time))
	}
	out = binary.AppendUvarint(out, uint64(len(x.topics)))
	for _, topic := range slices.Sorted(maps.Keys(x.topics)) {
		e := x.topics[topic]
		out = appendText(out, string(topic))
		out = binary.AppendUvarint(out, e.dropped)
		out = binary.AppendUvarint(out, uint64(len(e.blocks)))
		for _, b := range e.blocks {
			out = binary.AppendUvarint(out, b.first)
			out = binary.AppendUvarint(out, uint64(len(b.data)))
			out = append(out, b.data...)
		}
	}
	return seal(out)
}

// seal appends the checksum.
func seal(out []byte) []byte {
	return binary.LittleEndian.AppendUint32(out, crc32.Checksum(out, crc32.MakeTable(crc32.Castagnoli)))
}

func appendText(out []byte, text string) []byte {
	return append(binary.AppendUvarint(out, uint64(len(text))), text...)
}

// decodeIndex reads what encodeIndex wrote. The error wraps ErrBadIndex. The index
// does not refer to blob.
func decodeIndex(blob []byte, limit int, age time.Duration) (epoch string, x *index, err error) {
	if len(blob) < 5 || blob[0] != indexVersion {
		return "", nil, fmt.Errorf("%w: version is not %d", ErrBadIndex, indexVersion)
	}
	body, sum := blob[:len(blob)-4], binary.LittleEndian.Uint32(blob[len(blob)-4:])
	if crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)) != sum {
		return "", nil, fmt.Errorf("%w: checksum", ErrBadIndex)
	}
	d := indexReader{data: body[1:]}
	epoch = string(d.bytes())
	x = newIndex(limit, age)
	x.base, x.position = d.number(), d.number()
	d.check(x.base <= x.position, "base behind position")
	d.marks(x)
	d.topics(x)
	d.check(len(d.data) == 0, "more than an index")
	if d.problem != "" {
		return "", nil, fmt.Errorf("%w: %s", ErrBadIndex, d.problem)
	}
	return epoch, x, nil
}

// indexReader returns zeros after its first problem.
type indexReader struct {
	data    []byte // What is left to read.
	problem string
}

func (d *indexReader) check(ok bool, problem string) {
	if !ok && d.problem == "" {
		d.problem = problem
		d.data = nil
	}
}

func (d *indexReader) number() uint64 {
	n, size := binary.Uvarint(d.data)
	d.check(size > 0, "number cut off")
	if size > 0 {
		d.data = d.data[size:]
	}
	return n
}

// length reads how many items follow, each of size bytes or more.
func (d *indexReader) length(size int) int {
	n := d.number()
	d.check(n <= uint64(len(d.data)/size), "longer than there are bytes")
	if d.problem != "" {
		return 0
	}
	return int(n)
}

func (d *indexReader) bytes() []byte {
	n := d.length(1)
	out := d.data[:n]
	d.data = d.data[n:]
	return out
}

func (d *indexReader) marks(x *index) {
	n := d.length(2)
	x.marks = make([]mark, 0, n)
	for i := range n {
		m := mark{d.number(), int64(d.number())}
		d.check(m.time >= 0 && m.sequence <= x.position, "mark out of range")
		if i > 0 {
			d.check(m.sequence > x.marks[i-1].sequence && m.time >= x.marks[i-1].time, "marks fall")
		}
		x.marks = append(x.marks, m)
	}
}

func (d *indexReader) topics(x *index) {
	previous := push.Topic("")
	for range d.length(3) {
		topic := push.Topic(d.bytes())
		d.check(topic > previous, "topics out of order")
		previous = topic
		e := &entries{dropped: d.number()}
		highest := e.dropped
		for range d.length(2) {
			b := d.block(highest)
			highest = b.last
			e.count += b.count
			e.blocks = append(e.blocks, b)
		}
		d.check(highest <= x.position, "topic ahead of position")
		if d.problem != "" {
			return
		}
		x.topics[topic] = e
	}
}

// block reads a block whose sequences must all be above a sequence.
func (d *indexReader) block(above uint64) block {
	b := block{first: d.number(), count: 1}
	d.check(b.first > above, "sequences fall")
	b.last = b.first
	b.data = slices.Clone(d.bytes())
	for steps := b.data; len(steps) > 0; b.count++ {
		step, size := binary.Uvarint(steps)
		if size <= 0 || step == 0 || b.last+step < b.last {
			d.check(false, "block damaged")
			return b
		}
		b.last += step
		steps = steps[size:]
	}
	d.check(b.count <= blockSize, "block too long")
	return b
}
