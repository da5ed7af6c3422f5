package record

import (
	"testing"

	"google.golang.org/protobuf/proto"

	journalv1 "todoku/gen/todoku/journal/v1"
)

func BenchmarkEncode(b *testing.B) {
	r := typicalTrade()
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = Encode(buf[:0], r); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(int64(len(buf)))
}

func BenchmarkDecode(b *testing.B) {
	data, err := Encode(nil, typicalTrade())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		if _, err := Decode(1, 1, data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecoder decodes into memory that is used again.
func BenchmarkDecoder(b *testing.B) {
	data, err := Encode(nil, typicalTrade())
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.SetBytes(int64(len(data)))
	var d Decoder
	for b.Loop() {
		d.Reset()
		if _, err := d.Decode(1, 1, data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkGeneratedMarshal and BenchmarkGeneratedUnmarshal measure the generated code,
// without the conversion between its messages and ours.
func BenchmarkGeneratedMarshal(b *testing.B) {
	m := recordMessage(b, typicalTrade())
	var buf []byte
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buf, err = (proto.MarshalOptions{}).MarshalAppend(buf[:0], m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGeneratedUnmarshal(b *testing.B) {
	data := marshal(b, recordMessage(b, typicalTrade()))
	b.ReportAllocs()
	for b.Loop() {
		var m journalv1.Record
		if err := proto.Unmarshal(data, &m); err != nil {
			b.Fatal(err)
		}
	}
}
