package sqlite_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"todoku/journal"
	"todoku/sqlite"
)

// BenchmarkAppend is the durable commit: one row, one sync. Records carry 200
// bytes, as an accepted order does.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("records=%d", size), func(b *testing.B) {
			store := openJournal(b, filepath.Join(b.TempDir(), "journal.db"), sqlite.Options{})
			batch := make([]journal.Record, size)
			data := make([]byte, 200)
			var head uint64
			b.ReportAllocs()
			for b.Loop() {
				for i := range batch {
					batch[i] = journal.Record{Sequence: head + 1 + uint64(i), Data: data}
				}
				if err := store.Append(b.Context(), head, batch); err != nil {
					b.Fatal(err)
				}
				head += uint64(size)
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "records/s")
		})
	}
}

// BenchmarkRead is the replay after a restart: everything through the store.
func BenchmarkRead(b *testing.B) {
	store := openJournal(b, filepath.Join(b.TempDir(), "journal.db"), sqlite.Options{})
	batch := make([]journal.Record, 100)
	data := make([]byte, 200)
	var head uint64
	for range 200 {
		for i := range batch {
			batch[i] = journal.Record{Sequence: head + 1 + uint64(i), Data: data}
		}
		if err := store.Append(b.Context(), head, batch); err != nil {
			b.Fatal(err)
		}
		head += uint64(len(batch))
	}
	b.ReportAllocs()
	records := 0
	for b.Loop() {
		for after := uint64(0); after < head; {
			got, err := store.Read(b.Context(), after, 4096)
			if err != nil {
				b.Fatal(err)
			}
			after = got[len(got)-1].Sequence
			records += len(got)
		}
	}
	b.ReportMetric(float64(records)/b.Elapsed().Seconds(), "records/s")
}
