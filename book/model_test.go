package book

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// bookVerb is the kind of a test command.
type bookVerb uint8

const (
	verbLimit bookVerb = iota
	verbPostOnly
	verbMarket
	verbIOC
	verbFOK
	verbCancel
	verbReduce
	verbReplace
	verbRest // without matching first, also where it would cross
	verbs
)

// bookCommand is one instruction to the books under comparison.
type bookCommand struct {
	verb     bookVerb
	side     Side
	mode     SelfTrade
	owner    uint32
	id       uint64 // of the new order
	target   uint64 // of the order to cancel, reduce or replace
	tick     int64
	quantity int64
}

// twins is a fast and a naive book that get the same commands.
type twins struct {
	fast  *Book
	naive naiveBook
	out   Fills
	again Fills
	lists [2][]Level
	trace uint64 // hash over every fill so far
}

func newTwins() *twins { return &twins{fast: New()} }

// do runs one command on both books and returns the first difference.
func (p *twins) do(c bookCommand) error {
	switch c.verb {
	case verbCancel:
		return p.cancel(c.target)
	case verbReduce:
		fast, fastErr := p.fast.Reduce(c.target, c.quantity)
		naive, naiveErr := p.naive.reduce(c.target, c.quantity)
		if fast != naive || !errors.Is(fastErr, naiveErr) {
			return fmt.Errorf("reduce: %+v %w, want %+v %w", fast, fastErr, naive, naiveErr)
		}
		return p.compare(c)
	case verbReplace:
		// A new price or more quantity is a cancel and a new order with the same id.
		old, ok := p.fast.Order(c.target)
		if err := p.cancel(c.target); err != nil || !ok {
			return err
		}
		c.id, c.side, c.owner = old.ID, old.Side, old.Owner
	case verbLimit, verbPostOnly, verbMarket, verbIOC, verbFOK, verbRest, verbs:
	}
	return p.enter(c)
}

func (p *twins) cancel(id uint64) error {
	want, known := p.fast.Order(id)
	fast, ok := p.fast.Cancel(id)
	naive, naiveOK := p.naive.cancel(id)
	if fast != naive || ok != naiveOK || ok != known || fast != want {
		return fmt.Errorf("cancel: %+v %v, want %+v %v", fast, ok, naive, naiveOK)
	}
	return p.compare(bookCommand{side: naive.Side, tick: naive.Tick})
}

func (p *twins) enter(c bookCommand) error {
	taker := Taker{
		ID: c.id, Owner: c.owner, Side: c.side, Limit: c.tick, HasLimit: c.verb != verbMarket,
		Quantity: c.quantity, SelfTrade: c.mode,
	}
	if fast, naive := p.fast.Crosses(c.side, c.tick), p.naive.crosses(c.side, c.tick); fast != naive {
		return fmt.Errorf("crosses: %v, want %v", fast, naive)
	} else if fast && c.verb == verbPostOnly {
		return nil
	}
	if c.verb == verbFOK && c.quantity > 0 {
		fast, naive := p.fast.Fillable(taker), p.naive.fillable(taker)
		if fast != naive {
			return fmt.Errorf("fillable: %v, want %v", fast, naive)
		} else if !fast {
			return p.compare(c)
		}
	}
	left := c.quantity
	if c.verb != verbRest {
		p.out.Reset()
		var stopped, naiveStopped bool
		left, stopped = p.fast.Match(taker, &p.out)
		naive, naiveLeft, naiveStopped := p.naive.match(taker)
		if left != naiveLeft || stopped != naiveStopped ||
			!slices.Equal(p.out.Fills, naive.Fills) || !slices.Equal(p.out.Levels, naive.Levels) {
			return fmt.Errorf("match: %+v, %d left, stopped %v; want %+v, %d left, stopped %v",
				p.out, left, stopped, naive, naiveLeft, naiveStopped)
		}
		p.again.Reset()
		if p.fast.Match(taker, &p.again); !slices.Equal(p.again.Fills, p.out.Fills) {
			return errors.New("looking for a match has changed the book")
		}
		if err := p.out.applyFills(p.fast); err != nil {
			return fmt.Errorf("fill: %w", err)
		}
		for _, f := range p.out.Fills {
			p.trace = (p.trace ^ f.MakerID ^ uint64(f.Quantity)<<20 ^ uint64(f.MakerLeft)<<40) * 0x100000001B3
		}
		if c.verb == verbFOK && left > 0 {
			return fmt.Errorf("a fillable order was not filled: %d left", left)
		}
		if stopped || left == 0 || c.verb == verbMarket || c.verb == verbIOC {
			return p.compare(c)
		}
	}
	fastErr := p.fast.Rest(c.id, c.owner, c.side, c.tick, left)
	naiveErr := p.naive.rest(Resting{ID: c.id, Owner: c.owner, Side: c.side, Tick: c.tick, Left: left})
	if !errors.Is(fastErr, naiveErr) {
		return fmt.Errorf("rest: %w, want %w", fastErr, naiveErr)
	}
	return p.compare(c)
}

// compare compares everything that a command may have changed.
func (p *twins) compare(c bookCommand) error {
	if got, want := p.fast.Len(), len(p.naive.sides[0])+len(p.naive.sides[1]); got != want {
		return fmt.Errorf("%d orders, want %d", got, want)
	}
	for _, side := range []Side{Buy, Sell} {
		list := p.fast.Levels(p.lists[side&1][:0], side, 3)
		p.lists[side&1] = list
		if want := p.naive.levels(side, 3); !slices.Equal(list, want) {
			return fmt.Errorf("%v levels %+v, want %+v", side, list, want)
		}
		if tick, quantity, ok := p.fast.Best(side); ok != (len(list) > 0) || ok && (tick != list[0].Tick || quantity != list[0].Quantity) {
			return fmt.Errorf("best %v %d of %d, %v, want %+v", side, tick, quantity, ok, list)
		}
		if got, want := p.fast.Level(side, c.tick), p.naive.level(side, c.tick); got != want {
			return fmt.Errorf("level %+v, want %+v", got, want)
		}
	}
	return nil
}

// hashes returns a hash over the whole iteration of each book.
func (p *twins) hashes() (fast, naive uint64) {
	f, n := fnv.New64a(), fnv.New64a()
	buf := make([]byte, 0, 64)
	encode := func(r Resting) []byte {
		buf = binary.LittleEndian.AppendUint64(buf[:0], r.ID)
		buf = binary.LittleEndian.AppendUint64(buf, uint64(r.Tick))
		buf = binary.LittleEndian.AppendUint64(buf, uint64(r.Left))
		buf = binary.LittleEndian.AppendUint32(buf, r.Owner)
		return append(buf, byte(r.Side))
	}
	for _, side := range []Side{Buy, Sell} {
		for r := range p.fast.Orders(side) {
			f.Write(encode(r))
		}
		for _, r := range *p.naive.side(side) {
			n.Write(encode(r))
		}
	}
	return f.Sum64(), n.Sum64()
}

// orderFlow describes a stream of random commands.
type orderFlow struct {
	name   string
	share  int // of the commands, in thousandths
	spread int64
	scale  int64 // distance between neighbouring prices
	drift  bool  // the middle price moves
	size   int   // orders at which cancels take over
	owners uint32
	max    int64 // largest quantity
	every  int   // commands between two full checks
}

// orderFlows are chosen so that the pages of a ladder are full, sparse, extreme and
// moving, and so that self-trades and full levels happen.
func orderFlows() []orderFlow {
	return []orderFlow{
		{name: "narrow", share: 300, spread: 4, scale: 1, size: 40, owners: 3, max: 20, every: 1},
		{name: "one page and its neighbours", share: 200, spread: 70, scale: 1, size: 60, owners: 50, max: 100, every: 1},
		{name: "deep", share: 100, spread: 200, scale: 1, size: 1200, owners: 500, max: 100, every: 499},
		{name: "drifting", share: 150, spread: 300, scale: 1, drift: true, size: 150, owners: 20, max: 100, every: 5},
		{name: "sparse", share: 100, spread: 500, scale: 1 << 40, size: 400, owners: 0, max: 10, every: 97},
		{name: "whole range", share: 50, spread: 8, scale: math.MaxInt64 / 8, size: 40, owners: 2, max: 5, every: 1},
		{name: "huge quantities", share: 100, spread: 6, scale: 1, size: 40, owners: 4, max: math.MaxInt64, every: 1},
	}
}

// flowStream makes the random commands of one market.
type flowStream struct {
	orderFlow
	rng    *rand.Rand
	next   uint64
	recent []uint64
	middle int64
}

func (s *flowStream) command(naive *naiveBook) bookCommand {
	s.next++
	c := bookCommand{
		id:    s.next,
		side:  Buy + Side(s.rng.IntN(2)),
		mode:  SelfTrade(s.rng.IntN(4)),
		owner: s.rng.Uint32N(s.owners + 1),
	}
	if s.drift && s.rng.IntN(8) == 0 {
		s.middle += s.rng.Int64N(41) - 20
	}
	c.tick = (s.middle + s.rng.Int64N(2*s.spread+1) - s.spread) * s.scale
	// Buyers prefer the lower half and sellers the upper, so that a book builds up.
	if s.rng.IntN(4) > 0 && c.tick > s.middle*s.scale == (c.side == Buy) {
		c.tick = 2*s.middle*s.scale - c.tick
	}
	c.quantity = 1 + s.rng.Int64N(s.max)
	if s.rng.IntN(500) == 0 {
		c.quantity = 0
	}
	if at := s.rng.IntN(2*s.size) + 1; at <= len(s.recent) {
		c.target = s.recent[len(s.recent)-at]
	}
	live := len(naive.sides[0]) + len(naive.sides[1])
	if live > 0 && s.rng.IntN(2) == 0 {
		at := s.rng.IntN(live)
		if asks := len(naive.sides[0]); at < asks {
			c.target = naive.sides[0][at].ID
		} else {
			c.target = naive.sides[1][at-asks].ID
		}
	}
	switch roll := s.rng.IntN(100); {
	case live > s.size && roll < 60, roll < 20:
		c.verb = verbCancel
	case roll < 26:
		c.verb = verbReduce
	case roll < 34:
		c.verb = verbReplace
	case roll < 38:
		c.verb = verbMarket
	case roll < 44:
		c.verb = verbIOC
	case roll < 50:
		c.verb = verbFOK
	case roll < 60:
		c.verb = verbPostOnly
	case roll < 63:
		c.verb = verbRest
		if roll == 60 && c.target != 0 {
			c.id = c.target // usually a duplicate
		}
	default:
		c.verb = verbLimit
	}
	s.recent = append(s.recent, c.id)
	if len(s.recent) > 8*s.size {
		s.recent = slices.Delete(s.recent, 0, 4*s.size)
	}
	return c
}

// TestBookAgreesWithTheNaiveBook gives both books a million random commands: every
// answer must be the same, the invariants must hold, and in the end both hold the
// same orders in the same order.
func TestBookAgreesWithTheNaiveBook(t *testing.T) {
	commands := 1_000_000
	if raceEnabled || testing.Short() {
		commands = 50_000
	}
	for i, m := range orderFlows() {
		t.Run(m.name, func(t *testing.T) {
			s := flowStream{orderFlow: m, rng: rand.New(rand.NewPCG(1, uint64(i)))}
			p := newTwins()
			count := commands / 1000 * m.share
			for n := range count {
				c := s.command(&p.naive)
				if err := p.do(c); err != nil {
					t.Fatalf("command %d %+v: %v", n, c, err)
				}
				if n%m.every == 0 {
					if err := p.fast.check(); err != nil {
						t.Fatalf("after command %d %+v: %v", n, c, err)
					}
				}
			}
			fast, naive := p.hashes()
			if fast != naive {
				t.Fatalf("hash %016x, want %016x", fast, naive)
			}
			t.Logf("%d commands, %d orders left, trace %016x, hash %016x", count, p.fast.Len(), p.trace, fast)
		})
	}
}

// FuzzBook reads commands from bytes, eight for each, and compares the books after
// every one.
func FuzzBook(f *testing.F) {
	f.Add([]byte("\x00\x01\x01\x01\x00\x10\x05\x00\x00\x02\x01\x01\x00\x10\x05\x00"))
	f.Add([]byte("\x08\x01\x02\x01\x3f\x7f\x09\x07\x04\x02\x03\x02\x00\x80\x09\x00\x05\x00\x00\x00\x00\x00\x00\x01"))
	rng := rand.New(rand.NewPCG(7, 7))
	for range 8 {
		seed := make([]byte, 8*64)
		for i := range seed {
			seed[i] = byte(rng.Uint32())
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		p := newTwins()
		for n := uint64(1); len(data) >= 8; n++ {
			c := bookCommand{
				verb:  bookVerb(data[0]) % verbs,
				side:  Buy + Side(data[1]&1),
				mode:  SelfTrade(data[1] >> 1 & 3),
				owner: uint32(data[2] & 3),
				id:    n,
				// A byte of distance and a shift reach the ends of the range.
				tick:     int64(int8(data[4])) << (data[3] & 56),
				quantity: int64(data[5]) << (data[6] & 56),
				target:   n - uint64(data[7])%(n+1),
			}
			if err := p.do(c); err != nil {
				t.Fatalf("command %d %+v: %v", n, c, err)
			}
			if err := p.fast.check(); err != nil {
				t.Fatalf("after command %d %+v: %v", n, c, err)
			}
			data = data[8:]
		}
		if fast, naive := p.hashes(); fast != naive {
			t.Fatalf("hash %016x, want %016x", fast, naive)
		}
	})
}
