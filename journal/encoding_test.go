package journal_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"todoku/journal"
	"todoku/journal/journaltest"
)

// TestTheStoredFormNeverChanges holds the format to bytes written down once:
// journals of this version must be readable for ever.
func TestTheStoredFormNeverChanges(t *testing.T) {
	t.Parallel()
	data, checksum := journal.EncodeBatch(nil, 0xaabbccdd, []journal.Record{
		{Sequence: 7, Time: 1_000, Data: []byte("first")},
		{Sequence: 8, Time: 1_001},
	})
	const want = "01ddccbbaa02000000" +
		"0700000000000000e80300000000000005000000" + "6669727374" + "7391c798" +
		"0800000000000000e90300000000000000000000" + "4d13e71f"
	if got := hex.EncodeToString(data); got != want {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
	batch, err := journal.DecodeBatch(7, data)
	if err != nil || batch.Previous != 0xaabbccdd || batch.Checksum != checksum || len(batch.Records) != 2 {
		t.Fatalf("%+v, %v", batch, err)
	}
}

// TestEveryChangedByteIsFound changes, removes and adds bytes anywhere.
func TestEveryChangedByteIsFound(t *testing.T) {
	t.Parallel()
	data, _ := journal.EncodeBatch(nil, 5, journaltest.Records(9, 4))
	refused := func(what string, at int, data []byte) {
		t.Helper()
		var corrupt *journal.CorruptError
		_, err := journal.DecodeBatch(10, data)
		if !errors.As(err, &corrupt) || !errors.Is(err, journal.ErrCorrupt) || corrupt.Sequence < 10 || corrupt.Sequence > 14 {
			t.Fatalf("%s at %d: %v", what, at, err)
		}
	}
	for at := range data {
		for value := 1; value < 256; value++ {
			changed := bytes.Clone(data)
			changed[at] ^= byte(value)
			refused("changed", at, changed)
		}
		refused("cut", at, data[:at])
		refused("removed", at, append(bytes.Clone(data[:at]), data[at+1:]...))
	}
	refused("added", len(data), append(bytes.Clone(data), 0))
	if _, err := journal.DecodeBatch(11, data); !errors.Is(err, journal.ErrCorrupt) {
		t.Fatalf("under another sequence: %v", err)
	}
}

// FuzzDecodeBatch: whatever the bytes, the answer is a *CorruptError or a batch
// that has exactly these bytes as its stored form.
func FuzzDecodeBatch(f *testing.F) {
	for _, size := range []int{1, 3} {
		data, _ := journal.EncodeBatch(nil, 77, journaltest.Records(0, size))
		f.Add(uint64(1), data)
		f.Add(uint64(2), data)
		f.Add(uint64(1), data[:len(data)-1])
	}
	f.Add(uint64(1), []byte{1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})
	f.Add(^uint64(0), []byte{})
	f.Fuzz(func(t *testing.T, first uint64, data []byte) {
		batch, err := journal.DecodeBatch(first, data)
		if err != nil {
			var corrupt *journal.CorruptError
			if !errors.As(err, &corrupt) {
				t.Fatalf("error %T", err)
			}
			return
		}
		if len(batch.Records) == 0 || batch.Records[0].Sequence != first {
			t.Fatalf("batch of %d records", len(batch.Records))
		}
		again, checksum := journal.EncodeBatch(nil, batch.Previous, batch.Records)
		if !bytes.Equal(again, data) || checksum != batch.Checksum {
			t.Fatalf("two forms of one batch:\n%x\n%x", data, again)
		}
	})
}
