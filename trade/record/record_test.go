package record

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	journalv1 "todoku/gen/todoku/journal/v1"
	"todoku/trade"
)

func full(seed uint64) *filler { return &filler{rand.New(rand.NewPCG(seed, 3)), false} }

// TestEveryKindOfEventIsTested reads package trade's source, so that an event
// which is declared there cannot be forgotten here.
func TestEveryKindOfEventIsTested(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "../event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	declared := map[string]bool{}
	for _, d := range file.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && f.Name.Name == "event" {
			declared[f.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name] = true
		}
	}
	for _, event := range events() {
		delete(declared, reflect.TypeOf(event).Elem().Name())
	}
	if len(declared) > 0 {
		t.Errorf("not tested: %v", slices.Sorted(maps.Keys(declared)))
	}
}

func TestEveryFieldOfEveryEventReadsBack(t *testing.T) {
	for _, kind := range events() {
		for seed := range uint64(50) {
			want := &trade.Record{Events: []trade.Event{full(seed).event(t, kind)}}
			data, err := Encode(nil, want)
			if err != nil {
				t.Fatalf("%T: %v", kind, err)
			}
			got, err := Decode(0, 0, data)
			if err != nil {
				t.Fatalf("%T: %v", kind, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Fatalf("%T: read back %+v, wrote %+v", kind, got.Events[0], want.Events[0])
			}
		}
	}
}

func TestEncodeAppends(t *testing.T) {
	r := full(1).record(t)
	alone, err := Encode(nil, r)
	if err != nil {
		t.Fatal(err)
	}
	both, err := Encode([]byte("before"), r)
	if err != nil {
		t.Fatal(err)
	}
	if string(both) != "before"+string(alone) {
		t.Error("what stood in front of the record was changed")
	}
}

func TestValuesThatWouldNotReadBackAreNotWritten(t *testing.T) {
	for name, r := range map[string]*trade.Record{
		"text":          {Command: trade.CommandInfo{Actor: trade.Actor{User: "\xff"}}},
		"list":          {Events: []trade.Event{&trade.Announced{To: []trade.UserID{"\xff"}}}},
		"command":       {Command: trade.CommandInfo{Kind: trade.CommandConfigureVenue + 1}},
		"negative enum": {Events: []trade.Event{&trade.LevelChanged{Side: -1}}},
		"reason":        {Events: []trade.Event{&trade.CancelRejected{Reason: 1000}}},
		"role":          {Events: []trade.Event{&trade.UserChanged{User: trade.User{Roles: 1 << 7}}}},
		"no event":      {Events: []trade.Event{nil}},
	} {
		got, err := Encode([]byte("before"), r)
		if !errors.Is(err, ErrUnwritable) {
			t.Errorf("%s: %v, want ErrUnwritable", name, err)
		}
		if string(got) != "before" {
			t.Errorf("%s: %q was left behind", name, got)
		}
	}
	if _, err := Hash(&trade.Snapshot{Orders: []trade.Order{{Symbol: "\xff"}}}); !errors.Is(err, ErrUnwritable) {
		t.Errorf("a snapshot with a bad text has a hash: %v", err)
	}
}

func TestUnknownContentIsRefused(t *testing.T) {
	event := func(body ...byte) []byte { return protowire.AppendBytes([]byte{7<<3 | 2}, body) }
	for name, data := range map[string][]byte{
		"field zero":              {0, 0},
		"field past the last":     {0x80, 0xfd, 0xd7, 0xc6, '0', '0'},
		"no number":               {1 << 3},
		"endless number":          bytes.Repeat([]byte{0xff}, 11),
		"length past the end":     {2<<3 | 2, 5, 'a'},
		"huge length":             {2<<3 | 2, 0xff, 0xff, 0xff, 0xff, 0x0f},
		"short fixed":             {5<<3 | 1, 1, 2, 3},
		"known field, other type": {1<<3 | 2, 0},
		"text not UTF-8":          {2<<3 | 2, 1, 0xff},
		"later command":           {1 << 3, 100},
		"negative enum":           append([]byte{1 << 3}, protowire.AppendVarint(nil, ^uint64(0))...),
		"event without body":      event(),
		"event of a later kind":   event(0xea, 0x01, 0),
		"event with two bodies":   event(11<<3|2, 0, 12<<3|2, 0),
		"later reason":            event(2<<3|2, 3, 3<<3, 0xe8, 0x07),
		"later role":              event(7<<3|2, 2, 3<<3, 0x10),
		"unfinished unknown":      {100<<3&0x7f | 3},
	} {
		if r, err := Decode(1, 1, data); !errors.Is(err, ErrMalformed) || r != nil {
			t.Errorf("%s: %v, %v; want ErrMalformed", name, r, err)
		}
	}
	if _, err := DecodeSnapshot([]byte{10<<3 | 2, 2, 6 << 3, 9}); !errors.Is(err, ErrMalformed) {
		t.Errorf("a snapshot with a bad order: %v, want ErrMalformed", err)
	}
}

// TestFieldsOfLaterVersionsAreSkipped adds unknown fields to the
// end of every message of a record and a snapshot.
func TestFieldsOfLaterVersionsAreSkipped(t *testing.T) {
	for _, kind := range events() {
		want := &trade.Record{Events: []trade.Event{full(4).event(t, kind)}}
		data := marshal(t, withUnknown(recordMessage(t, want)))
		got, err := Decode(0, 0, data)
		if err != nil {
			t.Fatalf("%T: %v", kind, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%T: read %+v, want %+v", kind, got.Events[0], want.Events[0])
		}
	}
	want := full(5).snapshot(t)
	got, err := DecodeSnapshot(marshal(t, withUnknown(snapshotMessage(t, want))))
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, want %+v", got, want)
	}
}

func TestHashNoticesEveryField(t *testing.T) {
	s := full(6).snapshot(t)
	before, err := Hash(s)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Hash(s)
	if err != nil || again != before {
		t.Fatalf("the same state has another hash (%v)", err)
	}
	leaves(reflect.ValueOf(s).Elem(), "snapshot", func(path string, v reflect.Value) {
		old := reflect.ValueOf(v.Interface())
		v.SetZero()
		after, err := Hash(s)
		v.Set(old)
		switch {
		case strings.Contains(path, ".levels."), strings.HasSuffix(path, ".instruments.lasttrade"):
			if err != nil || after != before {
				t.Errorf("%s changes the hash although earlier snapshots do not have it (%v)", path, err)
			}
		case strings.HasSuffix(path, "answer.subject") && errors.Is(err, ErrUnwritable):
		case err != nil || after == before:
			t.Errorf("%s does not change the hash (%v)", path, err)
		}
	})
}

// leaves calls do with every field that has no fields of its own.
func leaves(v reflect.Value, path string, do func(path string, v reflect.Value)) {
	switch v.Kind() { //nolint:exhaustive // the default takes the others
	case reflect.Struct:
		for i := range v.NumField() {
			leaves(v.Field(i), path+"."+strings.ToLower(v.Type().Field(i).Name), do)
		}
	case reflect.Slice:
		for i := range v.Len() {
			leaves(v.Index(i), path, do)
		}
	default:
		do(path, v)
	}
}

// TestRecordsShareNothingWithTheirBytes changes the bytes after decoding: the
// journal may hand out memory that it uses again.
func TestRecordsShareNothingWithTheirBytes(t *testing.T) {
	want := full(7).record(t)
	data, err := Encode(nil, want)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(want.Sequence, want.Time, data)
	if err != nil {
		t.Fatal(err)
	}
	for i := range data {
		data[i] = 0xff
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("the record changed with the bytes it was read from")
	}
}

// sameRecord compares two records; none and an empty list of events are the same.
func sameRecord(a, b *trade.Record) bool {
	if a == nil || b == nil {
		return a == b
	}
	x, y := *a, *b
	if len(x.Events) == 0 && len(y.Events) == 0 {
		x.Events, y.Events = nil, nil
	}
	return reflect.DeepEqual(x, y)
}

func TestADecoderKeepsNothingFromOneRecordToTheNext(t *testing.T) {
	var d Decoder
	for round := range uint64(50) {
		d.Reset()
		for i := range uint64(8) {
			data, err := Encode(nil, (&filler{rand.New(rand.NewPCG(round, i)), i%2 == 0}).record(t))
			if err != nil {
				t.Fatal(err)
			}
			want, err := Decode(i, 9, data)
			if err != nil {
				t.Fatal(err)
			}
			got, err := d.Decode(i, 9, data)
			if err != nil || !sameRecord(got, want) {
				t.Fatalf("round %d: %+v, %v; want %+v", round, got, err, want)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for seed := range uint64(20) {
		data, err := Encode(nil, (&filler{rand.New(rand.NewPCG(seed, 8)), seed%2 == 0}).record(f))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	var reused Decoder
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := Decode(7, 8, data)
		reused.Reset()
		if same, other := reused.Decode(7, 8, data); fmt.Sprint(err) != fmt.Sprint(other) || !sameRecord(r, same) {
			t.Fatalf("into used memory: %v, %v; into new: %v, %v", same, other, r, err)
		}
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		// The generated code understands the same, and encodes it to the same bytes.
		var m journalv1.Record
		if err := proto.Unmarshal(data, &m); err != nil {
			t.Fatalf("the generated code refuses it: %v", err)
		}
		again, err := Encode(nil, r)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		if want := marshal(t, recordMessage(t, r)); !bytes.Equal(again, want) {
			t.Fatalf("wrote %x, the generated code %x", again, want)
		}
		// The answer of a record has the record's sequence, whatever is in the bytes.
		answer := withoutUnknown(&m).GetAnswer()
		answer.Sequence = 0
		// A subject that follows from the id is understood, and left out when written.
		if trade.Subject(answer.GetSubject()) == subjectOf(answer.GetOrder()) {
			answer.Subject = 0
		}
		if !proto.Equal(&m, recordMessage(t, r)) {
			t.Fatalf("read %v, the generated code %v", recordMessage(t, r), &m)
		}
	})
}

func FuzzDecodeSnapshot(f *testing.F) {
	for seed := range uint64(10) {
		data, err := EncodeSnapshot((&filler{rand.New(rand.NewPCG(seed, 9)), seed%2 == 0}).snapshot(f))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := DecodeSnapshot(data)
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		var m journalv1.Snapshot
		if err := proto.Unmarshal(data, &m); err != nil {
			t.Fatalf("the generated code refuses it: %v", err)
		}
		again, err := EncodeSnapshot(s)
		if err != nil {
			t.Fatalf("read but not written: %v", err)
		}
		back, err := DecodeSnapshot(again)
		if err != nil || !reflect.DeepEqual(back, s) {
			t.Fatalf("read back %+v, wrote %+v (%v)", back, s, err)
		}
	})
}

func TestCopiedRequestsMakeTheSameSnapshot(t *testing.T) {
	for seed := range uint64(200) {
		s := (&filler{rand.New(rand.NewPCG(seed, 12)), seed%2 == 1}).snapshot(t)
		for i := range s.Requests {
			s.Requests[i].Time = int64(i / 2) // Two at a time, which never falls.
		}
		want, err := EncodeSnapshot(s)
		if err != nil {
			t.Fatal(err)
		}
		// A later version may add a field, which comes last.
		core, requests, err := CutRequests(append(slices.Clip(want), 14<<3, 7))
		if err != nil {
			t.Fatal(err)
		}
		rest, err := DecodeSnapshot(core)
		if err != nil || len(rest.Requests) != 0 {
			t.Fatalf("seed %d: %d requests left, %v", seed, len(rest.Requests), err)
		}
		if got, err := EncodeSnapshotAfter(requests, rest); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("seed %d: another snapshot, %v", seed, err)
		}
		for from := 0; from <= len(s.Requests)+1; from += 2 {
			newer, err := requests.Since(int64(from / 2))
			if err != nil {
				t.Fatal(err)
			}
			kept := *s
			kept.Requests = s.Requests[min(from, len(s.Requests)):]
			want, err := EncodeSnapshot(&kept)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := EncodeSnapshotAfter(newer, rest); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("seed %d: not those since %d, %v", seed, from/2, err)
			}
		}
	}
}

func FuzzCutRequests(f *testing.F) {
	for seed := range uint64(10) {
		data, err := EncodeSnapshot((&filler{rand.New(rand.NewPCG(seed, 9)), seed%2 == 0}).snapshot(f))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data, int64(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte, since int64) {
		core, requests, err := CutRequests(data)
		if err == nil {
			_, err = requests.Since(since)
		}
		if err != nil {
			if !errors.Is(err, ErrMalformed) {
				t.Fatalf("%v is not ErrMalformed", err)
			}
			return
		}
		if len(core)+len(requests) > len(data) {
			t.Fatalf("%d and %d bytes out of %d", len(core), len(requests), len(data))
		}
	})
}
