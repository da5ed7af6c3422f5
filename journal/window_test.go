package journal

import (
	"math/rand/v2"
	"testing"
)

// TestTheWindowAgreesWithAPlainSlice adds random batches and compares with the
// obvious: all records, cut to the bounds. It also holds the window to what it
// may keep alive.
func TestTheWindowAgreesWithAPlainSlice(t *testing.T) {
	t.Parallel()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 3))
	w := window{maxBytes: 8000, maxRecords: 50}
	var all []Record
	for range 2000 {
		batch := make([]Record, 1+random.IntN(6))
		for i := range batch {
			batch[i] = Record{Sequence: uint64(len(all) + i + 1), Data: make([]byte, random.IntN(300))}
		}
		w.add(batch)
		all = append(all, batch...)
		var bytes int64
		start := len(all)
		for start > 0 && len(all)-start < 50 && bytes+cost(all[start-1]) <= 8000 {
			start--
			bytes += cost(all[start])
		}
		if len(w.records) != len(all)-start || w.bytes != bytes {
			t.Fatalf("holds %d records of %d bytes, want %d of %d", len(w.records), w.bytes, len(all)-start, bytes)
		}
		if w.dead > w.maxBytes/2+3000 {
			t.Fatalf("keeps %d dead bytes alive", w.dead)
		}
		after, limit := uint64(random.IntN(len(all)+1)), 1+random.IntN(9)
		records, ok := w.read(after, limit)
		if ok != (after >= uint64(start)) {
			t.Fatalf("read after %d: %v with records from %d", after, ok, start+1)
		}
		for i, record := range records {
			if record.Sequence != after+1+uint64(i) {
				t.Fatalf("read after %d: got %d at %d", after, record.Sequence, i)
			}
		}
		if want := min(limit, len(all)-int(after)); ok && len(records) != want {
			t.Fatalf("read after %d: %d records, want %d", after, len(records), want)
		}
	}
}
