package engine

import (
	"testing"
	"time"

	"todoku/book"
	"todoku/trade"
)

// streamOrders is the number of new orders in a benchmark's stream.
const streamOrders = 1_000_000

// bookVenue uses a book as the engine does: it matches, applies every fill, adds the
// remainder, and reads every fill and every changed level.
type bookVenue struct {
	book  *book.Book
	out   book.Fills
	fills int
	sum   uint64 // over all that was learned, so that none of it is optimised away
}

func newBookVenue() *bookVenue { return &bookVenue{book: book.New()} }

// do executes one message and counts its events.
func (v *bookVenue) do(m *bookMessage) {
	v.out.Reset()
	id, tick := uint64(m.id), m.tick
	switch m.kind {
	case messageCancel:
		if old, ok := v.book.Cancel(id); ok {
			v.out.Levels = append(v.out.Levels, v.book.Level(old.Side, old.Tick))
		}
	case messageReplace:
		old, ok := v.book.Cancel(id)
		if !ok {
			return
		}
		if old.Tick != tick {
			v.out.Levels = append(v.out.Levels, v.book.Level(old.Side, old.Tick))
		}
		v.enter(id, m)
	default:
		v.enter(id, m)
	}
	for i := range v.out.Fills {
		f := &v.out.Fills[i]
		v.sum += f.MakerID + uint64(f.Quantity) + uint64(f.MakerLeft)
	}
	for i := range v.out.Levels {
		l := &v.out.Levels[i]
		v.sum = v.sum*31 + uint64(l.Tick) + uint64(l.Quantity)
	}
	v.fills += len(v.out.Fills)
}

func (v *bookVenue) enter(id uint64, m *bookMessage) {
	// Every order has an owner of its own: the book checks for self-trades, and there are
	// none, as in the published streams.
	left, _ := v.book.Match(book.Taker{
		ID: id, Owner: m.id, Side: book.Side(m.side), Limit: m.tick, HasLimit: true,
		Quantity: int64(m.quantity), SelfTrade: book.CancelTaker,
	}, &v.out)
	if err := applyFills(&v.out, v.book); err != nil {
		panic(err) // The book contradicts itself.
	}
	if left == 0 || m.kind == messageIOC {
		return
	}
	if err := v.book.Rest(id, m.id, book.Side(m.side), m.tick, left); err == nil {
		v.out.Levels = append(v.out.Levels, v.book.Level(book.Side(m.side), m.tick))
	}
}

// applyFills applies the result of a match to a book.
func applyFills(f *book.Fills, b *book.Book) error {
	for i := range f.Fills {
		fill := &f.Fills[i]
		if fill.Kind == book.FillSelfTradeCancel {
			b.Cancel(fill.MakerID)
		} else if _, err := b.Fill(fill.MakerID, fill.Quantity); err != nil {
			return err
		}
	}
	return nil
}

// drain empties the book and keeps its memory.
func (v *bookVenue) drain(messages []bookMessage) {
	for i := range messages {
		v.book.Cancel(uint64(messages[i].id))
	}
}

// warmUp plays a stream once, so that the book reaches its largest size, and compares
// the run with the published figures.
func warmUp(b *testing.B, w workload) ([]bookMessage, *bookVenue) {
	b.Helper()
	messages := w.stream(streamOrders)
	v := newBookVenue()
	sum, peak := 0, 0
	for i := range messages {
		v.do(&messages[i])
		sum += v.book.Len()
		peak = max(peak, v.book.Len())
	}
	v.drain(messages)
	near := func(what string, got, want int) {
		if got < want-want/8 || got > want+want/8 {
			b.Fatalf("%s of the run: %d, published about %d", what, got, want)
		}
	}
	near("fills", v.fills, w.fills)
	near("orders on average", sum/len(messages), w.average)
	near("orders at most", peak, w.peak)
	return messages, v
}

// BenchmarkBook reports the speed of the book on the five published streams, with all
// events read. One operation is one message. The few bytes that static allocates are the
// book's moves into less memory and back: it is emptied between runs.
func BenchmarkBook(b *testing.B) {
	for _, w := range workloads() {
		b.Run(w.name, func(b *testing.B) {
			messages, v := warmUp(b, w)
			b.ReportAllocs()
			b.ResetTimer()
			for done := 0; done < b.N; {
				part := messages[:min(b.N-done, len(messages))]
				for i := range part {
					v.do(&part[i])
				}
				done += len(part)
				b.StopTimer()
				v.drain(part)
				b.StartTimer()
			}
			b.ReportMetric(float64(b.N)/1e6/b.Elapsed().Seconds(), "Mmsg/s")
		})
	}
}

// BenchmarkBookLatency reports how long single messages take, in nanoseconds, from
// one reading of the clock to the next; the reading itself is in the figures.
func BenchmarkBookLatency(b *testing.B) {
	for _, w := range workloads() {
		b.Run(w.name, func(b *testing.B) {
			messages, v := warmUp(b, w)
			var counts [1 << 16]int
			start := time.Now()
			b.ResetTimer()
			for done := 0; done < b.N; {
				part := messages[:min(b.N-done, len(messages))]
				last := time.Since(start)
				for i := range part {
					v.do(&part[i])
					now := time.Since(start)
					counts[min(max(now-last, 0), time.Duration(len(counts)-1))]++
					last = now
				}
				done += len(part)
				b.StopTimer()
				v.drain(part)
				b.StartTimer()
			}
			b.StopTimer()
			b.ReportMetric(quantile(counts[:], b.N, 500), "p50-ns")
			b.ReportMetric(quantile(counts[:], b.N, 990), "p99-ns")
			b.ReportMetric(quantile(counts[:], b.N, 999), "p99.9-ns")
		})
	}
}

// quantile returns the value below which the given thousandths of the counts are.
func quantile(counts []int, total, thousandths int) float64 {
	seen := 0
	for value, n := range counts {
		if seen += n; seen*1000 >= total*thousandths {
			return float64(value)
		}
	}
	return float64(len(counts))
}

func TestRebuiltBookIsTheSameBook(t *testing.T) {
	messages := workloads()[1].stream(20_000)
	v := newBookVenue()
	half := len(messages) / 2
	for i := range messages[:half] {
		v.do(&messages[i])
	}
	again := newBookVenue()
	for _, side := range []book.Side{book.Buy, book.Sell} {
		for o := range v.book.Orders(side) {
			if err := again.book.Rest(o.ID, o.Owner, o.Side, o.Tick, o.Left); err != nil {
				t.Fatal(err)
			}
		}
	}
	if v.book.Len() == 0 {
		t.Fatal("nothing to rebuild")
	}
	again.sum = v.sum
	for i := range messages[half:] {
		v.do(&messages[half+i])
		again.do(&messages[half+i])
		if v.sum != again.sum {
			t.Fatalf("message %d has another outcome in the rebuilt book", half+i)
		}
	}
}

func TestNoMessageAllocatesInSteadyState(t *testing.T) {
	for _, w := range workloads() {
		t.Run(w.name, func(t *testing.T) {
			messages := w.stream(10_000)
			v := newBookVenue()
			round := func() {
				for i := range messages {
					v.do(&messages[i])
				}
				v.drain(messages)
			}
			round()
			if n := testing.AllocsPerRun(3, round); n > 0 {
				t.Errorf("%v allocations in %d messages", n, len(messages))
			}
		})
	}
}

// TestTheBookNumbersWhatTheEngineConverts checks that both packages use the same
// numbers: the engine converts them without a table.
func TestTheBookNumbersWhatTheEngineConverts(t *testing.T) {
	if trade.Side(book.Buy) != trade.SideBuy || trade.Side(book.Sell) != trade.SideSell {
		t.Error("sides differ")
	}
	if trade.SelfTrade(book.CancelTaker) != trade.SelfTradeCancelTaker || trade.SelfTrade(book.CancelMaker) != trade.SelfTradeCancelMaker ||
		trade.SelfTrade(book.CancelBoth) != trade.SelfTradeCancelBoth {
		t.Error("self-trade instructions differ")
	}
}
