package book

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"
	"unsafe"
)

const (
	buy  = Buy
	sell = Sell
)

// mustRest adds orders and fails the test when the book refuses one.
func mustRest(t testing.TB, b *Book, orders ...Resting) {
	t.Helper()
	for _, o := range orders {
		if err := b.Rest(o.ID, o.Owner, o.Side, o.Tick, o.Left); err != nil {
			t.Fatalf("rest %+v: %v", o, err)
		}
	}
	mustHold(t, b)
}

func mustHold(t testing.TB, b *Book) {
	t.Helper()
	if err := b.check(); err != nil {
		t.Fatal(err)
	}
}

// applyFills applies the result of a match to a book.
func (f *Fills) applyFills(b *Book) error {
	for i := range f.Fills {
		fill := &f.Fills[i]
		if fill.Kind == FillSelfTradeCancel {
			if _, ok := b.Cancel(fill.MakerID); !ok {
				return ErrUnknown
			}
			continue
		}
		if got, err := b.Fill(fill.MakerID, fill.Quantity); err != nil {
			return err
		} else if got.Left != fill.MakerLeft {
			return ErrQuantity
		}
	}
	return nil
}

// bytes returns the size of the book's memory.
func (b *Book) bytes() int {
	size := int(unsafe.Sizeof(*b))
	size += cap(b.slots) * int(unsafe.Sizeof(slot{}))
	size += cap(b.index.cells) * int(unsafe.Sizeof(cell{}))
	size += cap(b.ladder.pages) * int(unsafe.Sizeof(page{}))
	size += cap(b.ladder.levels) * int(unsafe.Sizeof(level{}))
	for _, run := range slices.Concat(b.ladder.order.runs, b.ladder.order.spare) {
		size += cap(run) * int(unsafe.Sizeof(entry{}))
	}
	return size
}

func TestPriceThenTimeDecidesWhoTradesFirst(t *testing.T) {
	b := New()
	mustRest(t, b,
		Resting{ID: 1, Side: sell, Tick: 102, Left: 5},
		Resting{ID: 2, Side: sell, Tick: 101, Left: 5},
		Resting{ID: 3, Side: sell, Tick: 101, Left: 5},
		Resting{ID: 4, Side: sell, Tick: 103, Left: 5},
	)
	var out Fills
	left, stopped := b.Match(Taker{ID: 9, Side: buy, Limit: 102, HasLimit: true, Quantity: 18}, &out)
	if left != 3 || stopped {
		t.Errorf("left %d, stopped %v", left, stopped)
	}
	want := []Fill{
		{MakerID: 2, Tick: 101, Quantity: 5, Kind: FillTrade},
		{MakerID: 3, Tick: 101, Quantity: 5, Kind: FillTrade},
		{MakerID: 1, Tick: 102, Quantity: 5, Kind: FillTrade},
	}
	if !slices.Equal(out.Fills, want) {
		t.Errorf("fills %+v", out.Fills)
	}
	if want := []Level{{Tick: 101, Side: sell}, {Tick: 102, Side: sell}}; !slices.Equal(out.Levels, want) {
		t.Errorf("levels %+v", out.Levels)
	}
	if b.Len() != 4 {
		t.Error("the match changed the book")
	}
	if err := out.applyFills(b); err != nil || b.Len() != 1 {
		t.Errorf("%d orders are left, %v", b.Len(), err)
	}
	mustHold(t, b)
}

func TestSelfTradeInstructionOfTheAggressorDecides(t *testing.T) {
	const me, other = 7, 8
	for _, c := range []struct {
		mode     SelfTrade
		fills    []uint64 // makers met
		left     int64
		stopped  bool
		rest     []uint64 // makers that still rest
		fillable bool
	}{
		{SelfTrade(0), []uint64{1}, 15, true, []uint64{2, 3}, false},
		{CancelTaker, []uint64{1}, 15, true, []uint64{2, 3}, false},
		{CancelMaker, []uint64{1, 2, 3}, 10, false, nil, false},
		{CancelBoth, []uint64{1, 2}, 15, true, []uint64{3}, false},
	} {
		t.Run(fmt.Sprint(c.mode), func(t *testing.T) {
			b := New()
			mustRest(t, b,
				Resting{ID: 1, Side: buy, Tick: 50, Left: 5, Owner: other},
				Resting{ID: 2, Side: buy, Tick: 50, Left: 5, Owner: me},
				Resting{ID: 3, Side: buy, Tick: 49, Left: 5, Owner: other},
			)
			taker := Taker{ID: 9, Side: sell, Quantity: 20, Owner: me, SelfTrade: c.mode}
			if got := b.Fillable(taker); got != c.fillable {
				t.Errorf("fillable %v", got)
			}
			ten := taker
			ten.Quantity = 10
			if got, want := b.Fillable(ten), c.mode == CancelMaker; got != want {
				t.Errorf("ten are fillable: %v", got)
			}
			var out Fills
			left, stopped := b.Match(taker, &out)
			if err := out.applyFills(b); err != nil {
				t.Fatal(err)
			}
			var met, rest []uint64
			for _, f := range out.Fills {
				met = append(met, f.MakerID)
				if cancelled := f.Kind == FillSelfTradeCancel; cancelled != (f.MakerOwner == me) {
					t.Errorf("fill %+v", f)
				}
			}
			for o := range b.Orders(buy) {
				rest = append(rest, o.ID)
			}
			if left != c.left || stopped != c.stopped || !slices.Equal(met, c.fills) || !slices.Equal(rest, c.rest) {
				t.Errorf("left %d, stopped %v, met %v, rest %v", left, stopped, met, rest)
			}
			mustHold(t, b)
		})
	}
}

func TestSmallerQuantityKeepsItsPlace(t *testing.T) {
	b := New()
	mustRest(t, b, Resting{ID: 1, Side: buy, Tick: 10, Left: 9}, Resting{ID: 2, Side: buy, Tick: 10, Left: 9})
	got, err := b.Reduce(1, 4)
	if want := (Resting{ID: 1, Side: buy, Tick: 10, Left: 4}); err != nil || got != want {
		t.Fatalf("%+v, %v", got, err)
	}
	var queue []uint64
	for o := range b.Queue(10) {
		queue = append(queue, o.ID)
	}
	if !slices.Equal(queue, []uint64{1, 2}) {
		t.Errorf("queue %v", queue)
	}
	if l := b.Level(buy, 10); l.Quantity != 13 || l.Orders != 2 {
		t.Errorf("level %+v", l)
	}
	mustHold(t, b)
}

func TestAFillReducesOnlyItsMaker(t *testing.T) {
	b := New()
	mustRest(t, b,
		Resting{ID: 1, Side: sell, Tick: 10, Left: 9},
		Resting{ID: 2, Side: sell, Tick: 10, Left: 9},
		Resting{ID: 3, Side: sell, Tick: 11, Left: 9},
	)
	for _, c := range []struct {
		id             uint64
		quantity, left int64
	}{{1, 4, 5}, {2, 9, 0}, {3, 2, 7}, {1, 5, 0}, {3, 7, 0}} {
		got, err := b.Fill(c.id, c.quantity)
		if err != nil || got.ID != c.id || got.Left != c.left || got.Side != sell {
			t.Fatalf("fill of %d: %+v, %v", c.id, got, err)
		}
		mustHold(t, b)
	}
	if b.Len() != 0 {
		t.Errorf("%d orders are left", b.Len())
	}
}

func TestRefusedCallChangesNothing(t *testing.T) {
	b := New()
	mustRest(t, b,
		Resting{ID: 1, Side: buy, Tick: 10, Left: math.MaxInt64 - 5},
		Resting{ID: 2, Side: sell, Tick: 12, Left: 3},
	)
	before := *b
	for _, c := range []struct {
		name string
		err  error
		call func() error
	}{
		{"level total past 2^63", ErrLevel, func() error { return b.Rest(3, 0, buy, 10, 6) }},
		{"crossing buy", ErrCrossed, func() error { return b.Rest(3, 0, buy, 12, 1) }},
		{"crossing sell", ErrCrossed, func() error { return b.Rest(3, 0, sell, 10, 1) }},
		{"known id", ErrDuplicate, func() error { return b.Rest(2, 0, buy, 9, 1) }},
		{"known id on a new page", ErrDuplicate, func() error { return b.Rest(2, 0, buy, -1000, 1) }},
		{"nothing", ErrQuantity, func() error { return b.Rest(3, 0, buy, 9, 0) }},
		{"less than nothing", ErrQuantity, func() error { return b.Rest(3, 0, buy, 9, -1) }},
		{"reduce an unknown order", ErrUnknown, func() error { _, err := b.Reduce(3, 1); return err }},
		{"reduce to the same", ErrQuantity, func() error { _, err := b.Reduce(2, 3); return err }},
		{"reduce to nothing", ErrQuantity, func() error { _, err := b.Reduce(2, 0); return err }},
		{"fill an unknown order", ErrUnknown, func() error { _, err := b.Fill(3, 1); return err }},
		{"fill more than there is", ErrQuantity, func() error { _, err := b.Fill(2, 4); return err }},
		{"fill nothing", ErrQuantity, func() error { _, err := b.Fill(2, 0); return err }},
	} {
		if err := c.call(); !errors.Is(err, c.err) {
			t.Errorf("%s: %v, want %v", c.name, err, c.err)
		}
		if b.Len() != 2 || b.best != before.best || b.ladder.live != 1 {
			t.Fatalf("%s changed the book", c.name)
		}
		mustHold(t, b)
	}
	mustRest(t, b, Resting{ID: 3, Side: buy, Tick: 10, Left: 5})
}

func TestAnOrderTakesTheSameMemoryAtAnyPrice(t *testing.T) {
	b := New()
	mustRest(t, b,
		Resting{ID: 1, Side: buy, Tick: math.MinInt64, Left: 1},
		Resting{ID: 2, Side: buy, Tick: 1, Left: 1},
		Resting{ID: 3, Side: sell, Tick: 1 << 40, Left: 1},
		Resting{ID: 4, Side: sell, Tick: math.MaxInt64, Left: 1},
	)
	if size := b.bytes(); size > 32<<10 {
		t.Errorf("four orders take %d bytes", size)
	}
	var out Fills
	if left, _ := b.Match(Taker{ID: 9, Side: buy, Quantity: 3}, &out); left != 1 || len(out.Fills) != 2 || out.applyFills(b) != nil {
		t.Errorf("a buyer at any price has %d left: %+v", left, out.Fills)
	}
	out.Reset()
	if left, _ := b.Match(Taker{ID: 9, Side: sell, Quantity: 3}, &out); left != 1 || len(out.Fills) != 2 || out.applyFills(b) != nil {
		t.Errorf("a seller at any price has %d left: %+v", left, out.Fills)
	}
	mustHold(t, b)
}

func TestMemoryOfScatteredPricesIsBounded(t *testing.T) {
	const orders = 5_000
	b := New()
	for i := range int64(orders) {
		// Odd multiples spread over the whole range, each on a page of its own.
		tick := int64(uint64(2*i+1) * 0x9E3779B97F4A7C15 >> 1)
		if err := b.Rest(uint64(i+1), 0, sell, tick, 1); err != nil {
			t.Fatal(err)
		}
	}
	mustHold(t, b)
	// A page and its entry in the directory, an order and its cells; slices have up to a
	// quarter of free room, and runs are at least a quarter full.
	if size := b.bytes(); size > orders*2300 {
		t.Errorf("%d bytes for an order", size/orders)
	}
	for i := range uint64(orders) {
		if _, ok := b.Cancel(i + 1); !ok {
			t.Fatalf("order %d is gone", i+1)
		}
		if i%997 == 0 {
			mustHold(t, b)
		}
	}
	mustHold(t, b)
}

func TestMemoryShrinksWhenABurstIsOver(t *testing.T) {
	b := New()
	empty := b.bytes()
	const burst = 200_000
	for i := range int64(burst) {
		if err := b.Rest(uint64(i+1), 1, buy, i/4, 1+i%7); err != nil {
			t.Fatal(err)
		}
	}
	full := b.bytes()
	for i := range uint64(burst - 100) {
		b.Cancel(i + 1)
	}
	mustHold(t, b)
	if size := b.bytes(); size > full/20 {
		t.Errorf("%d bytes in the burst, %d after it, %d when new", full, size, empty)
	}
	last := uint64(burst - 100)
	var out Fills
	b.Match(Taker{ID: burst + 1, Side: sell, Quantity: math.MaxInt64}, &out)
	if len(out.Fills) != 100 || out.Fills[0].MakerID != burst-3 || out.Fills[99].MakerID != last+4 {
		t.Errorf("%d orders came through the move: first %+v, last %+v", len(out.Fills), out.Fills[0], out.Fills[99])
	}
	mustHold(t, b)
}
