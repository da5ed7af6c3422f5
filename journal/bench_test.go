package journal_test

import (
	"context"
	"fmt"
	"testing"

	"todoku/journal"
	"todoku/journal/journaltest"
)

// smallRecords are what an engine appends: 200 bytes each.
func smallRecords(prev uint64, records []journal.Record, data []byte) {
	for i := range records {
		records[i] = journal.Record{Sequence: prev + 1 + uint64(i), Data: data}
	}
}

// BenchmarkAppend is everything but the disk: checks, encoding, window, bell.
func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 100} {
		b.Run(fmt.Sprintf("records=%d", size), func(b *testing.B) {
			log, err := journal.Open(b.Context(), discard{journaltest.NewMemoryStore()}, journal.Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer log.Close()
			records, data := make([]journal.Record, size), make([]byte, 200)
			b.ReportAllocs()
			for b.Loop() {
				smallRecords(log.Head(), records, data)
				if err := log.Append(b.Context(), log.Head(), records); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkEncodeBatch and BenchmarkDecodeBatch are a batch of 100 records.
func BenchmarkEncodeBatch(b *testing.B) {
	records := make([]journal.Record, 100)
	smallRecords(0, records, make([]byte, 200))
	var buffer []byte
	b.ReportAllocs()
	for b.Loop() {
		buffer, _ = journal.EncodeBatch(buffer[:0], 0, records)
	}
	b.SetBytes(int64(len(buffer)))
}

func BenchmarkDecodeBatch(b *testing.B) {
	records := make([]journal.Record, 100)
	smallRecords(0, records, make([]byte, 200))
	data, _ := journal.EncodeBatch(nil, 0, records)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := journal.DecodeBatch(1, data); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadFromMemory is a follower that is up to date: no copy, no disk.
func BenchmarkReadFromMemory(b *testing.B) {
	log, err := journal.Open(b.Context(), journaltest.NewMemoryStore(), journal.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	records := make([]journal.Record, 1000)
	smallRecords(0, records, make([]byte, 200))
	if err := log.Append(b.Context(), 0, records); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if got, err := log.Read(b.Context(), 500, 100); err != nil || len(got) != 100 {
			b.Fatal(len(got), err)
		}
	}
}

// discard forgets what is appended, so that a benchmark may go on for ever.
type discard struct{ journal.Store }

func (discard) Append(context.Context, uint64, []journal.Record) error { return nil }
