package record

import (
	"bytes"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	journalv1 "todoku/gen/todoku/journal/v1"
	"todoku/trade"
)

// The oracle is the generated code: a value is copied field by field, matched by
// name, into the generated message. A field of package trade without a field in
// journal.proto, or of another type, fails the test.

func recordMessage(t testing.TB, r *trade.Record) *journalv1.Record {
	t.Helper()
	m := &journalv1.Record{}
	command := r.Command
	command.Answer.Sequence = 0
	copyInto(t, reflect.ValueOf(m).Elem(), reflect.ValueOf(command))
	for _, event := range r.Events {
		last := lastChange(event)
		own := last != nil && *last == r.Sequence // Which is left out.
		if own {
			*last = 0
		}
		m.Events = append(m.Events, eventMessage(t, event))
		if own {
			*last = r.Sequence
		}
	}
	return m
}

func eventMessage(t testing.TB, event trade.Event) *journalv1.Event {
	t.Helper()
	m := &journalv1.Event{}
	name := reflect.TypeOf(event).Elem().Name()
	fields := m.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if field := fields.Get(i); strings.ReplaceAll(string(field.Name()), "_", "") == strings.ToLower(name) {
			body := m.ProtoReflect().NewField(field)
			copyInto(t, reflect.ValueOf(body.Message().Interface()).Elem(), reflect.ValueOf(event).Elem())
			m.ProtoReflect().Set(field, body)
			return m
		}
	}
	t.Fatalf("journal.proto has no event for %s", name)
	return nil
}

func snapshotMessage(t testing.TB, s *trade.Snapshot) *journalv1.Snapshot {
	t.Helper()
	m := &journalv1.Snapshot{}
	copyInto(t, reflect.ValueOf(m).Elem(), reflect.ValueOf(*s))
	return m
}

// copyInto copies a struct of package trade into a generated one.
func copyInto(t testing.TB, to, from reflect.Value) {
	t.Helper()
	for i := range from.NumField() {
		name := from.Type().Field(i).Name
		field := to.FieldByNameFunc(func(candidate string) bool { return strings.EqualFold(candidate, name) })
		switch {
		case name == "ID" && from.Type() == reflect.TypeFor[trade.Answer]():
			copyValue(t, to.FieldByName("Order"), from.Field(i))
		case name == "Subject":
			if a := from.Interface().(trade.Answer); a.Subject != subjectOf(a.ID) {
				copyValue(t, field, from.Field(i))
			}
		case name == "Displayed":
			if o := from.Interface().(trade.Order); o.Displayed != o.Leaves {
				field.Set(reflect.ValueOf(new(int64(o.Displayed))))
			}
		case field.IsValid():
			copyValue(t, field, from.Field(i))
		case from.Field(i).Kind() == reflect.Struct:
			// What is a struct of its own in Go may be spread out in the message.
			copyInto(t, to, from.Field(i))
		default:
			t.Fatalf("%v.%s has no field in %v", from.Type(), name, to.Type())
		}
	}
}

func copyValue(t testing.TB, to, from reflect.Value) {
	t.Helper()
	switch from.Kind() { //nolint:exhaustive // the default takes the others
	case reflect.Struct:
		to.Set(reflect.New(to.Type().Elem()))
		copyInto(t, to.Elem(), from)
	case reflect.Slice:
		if from.Len() == 0 {
			return
		}
		to.Set(reflect.MakeSlice(to.Type(), from.Len(), from.Len()))
		for i := range from.Len() {
			copyValue(t, to.Index(i), from.Index(i))
		}
	default:
		to.Set(from.Convert(to.Type()))
	}
}

func marshal(t testing.TB, m proto.Message) []byte {
	t.Helper()
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestRecordsEqualTheGeneratedCode(t *testing.T) {
	for seed := range uint64(3000) {
		f := &filler{rand.New(rand.NewPCG(seed, 1)), seed%2 == 1}
		want := f.record(t)
		data, err := Encode(nil, want)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if generated := marshal(t, recordMessage(t, want)); !bytes.Equal(data, generated) {
			t.Fatalf("seed %d: the generated code writes\n%x, this package\n%x", seed, generated, data)
		}
		got, err := Decode(want.Sequence, want.Time, data)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: read back\n%+v, wrote\n%+v", seed, got, want)
		}
	}
}

func TestSnapshotsEqualTheGeneratedCode(t *testing.T) {
	for seed := range uint64(1000) {
		f := &filler{rand.New(rand.NewPCG(seed, 2)), seed%2 == 1}
		want := f.snapshot(t)
		data, err := EncodeSnapshot(want)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if generated := marshal(t, snapshotMessage(t, want)); !bytes.Equal(data, generated) {
			t.Fatalf("seed %d: the generated code writes\n%x, this package\n%x", seed, generated, data)
		}
		got, err := DecodeSnapshot(data)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: read back\n%+v, wrote\n%+v", seed, got, want)
		}
	}
}
