package engine

import (
	"math"
	"slices"
	"sort"

	"todoku/trade"
)

// The five order flows of the public matching-engine-benchmark (flash1-dev on
// GitHub, docs/METHODOLOGY.md), written again from their description and drawn
// from the same generator in the same order, so that the streams are the
// published ones:
//
//   - A middle price walks by geometric Brownian motion from 33,504 ticks, one step
//     for each new order; the scenario says how far it swings.
//   - A new order lies at least one tick off the middle on its own side. Its depth
//     follows a power law (exponent 2.23) with a hump 8 ticks out; quantity is
//     1 to 100. Buyers take their prices from the first half of the walk and
//     sellers from the second.
//   - Arrival is shuffled. 15 % of the orders are immediate-or-cancel; of the others
//     20 % are replaced (quantity up, four in five also a tick nearer) and 95 %
//     are cancelled after an exponential lifetime that grows with depth. 2 % of
//     cancels and replaces come twice and find nothing.
//
// One stream is 1,000,000 new orders, about two million messages. The books range from
// deep (static: about 60 price levels) over mixed (normal: 290) and volatile (830 and
// 560) to thin with many gaps (flash-crash: 210, over tens of thousands of ticks).

// workload is a scenario of the benchmark.
type workload struct {
	name       string
	volatility float64
	swing      float64

	// Published figures of a run with 1,000,000 orders: the trades, and the resting orders
	// on average and at most. The benchmark compares itself with them.
	fills, average, peak int
}

func workloads() []workload {
	return []workload{
		{"static", 0, 0, 800, 20_900, 41_800},
		{"normal", 0.15, 0.02, 62_000, 2_700, 5_500},
		{"swing-25", 0.50, 0.25, 67_000, 1_300, 2_600},
		{"swing-40", 0.50, 0.40, 69_000, 700, 1_400},
		{"flash-crash", 0.50, 0.60, 70_000, 240, 500},
	}
}

// The kinds of message in a stream.
const (
	messageNew = iota
	messageIOC
	messageCancel
	messageReplace
)

// bookMessage is one instruction of a stream, 24 bytes.
type bookMessage struct {
	id       uint32
	quantity uint32
	tick     int64
	kind     uint8
	side     trade.Side
}

// The constants of the model; see the comment above.
const (
	workloadSeed   = 23
	startPrice     = 167.52
	tickPrice      = 0.005
	deepestLevel   = 799
	depthExponent  = 2.23
	humpHeight     = 5.0
	humpCentre     = 8.0
	medianLifetime = 431.0 // microseconds
)

// stream makes the messages of a scenario with a number of new orders.
func (w workload) stream(orders int) []bookMessage {
	rng := newTwister(workloadSeed)
	placed := w.place(rng, orders)
	arrival := make([]int, orders)
	for i := range arrival {
		arrival[i] = i
	}
	for i := orders - 1; i > 0; i-- {
		j := int(rng.between(0, uint32(i)))
		arrival[i], arrival[j] = arrival[j], arrival[i]
	}
	return schedule(rng, placed, arrival)
}

// placement is a new order before it has a time.
type placement struct {
	bookMessage
	depth int
}

// place draws the new orders along the walk of the middle price.
func (w workload) place(rng *twister, orders int) []placement {
	depths := depthProfile()
	step := 0.0
	if w.volatility > 0 {
		ratio := w.swing / w.volatility
		step = w.volatility * math.Sqrt(ratio*ratio/float64(orders))
	}
	middle := startPrice
	placed := make([]placement, orders)
	for i := range placed {
		middle *= math.Exp(-0.5*step*step + step*rng.normal())
		tick := int64(math.Round(middle / tickPrice))
		depth := min(sort.SearchFloat64s(depths, rng.uniform()*depths[deepestLevel]), deepestLevel)
		p := &placed[i]
		p.depth = depth
		p.id = uint32(i + 1)
		p.side = trade.SideSell
		p.tick = tick + int64(depth) + 1
		if i < orders/2 {
			p.side = trade.SideBuy
			p.tick = max(1, tick-int64(depth)-1)
		}
		p.quantity = rng.between(1, 100)
	}
	return placed
}

// depthProfile returns the cumulated weights of the distances from the middle.
func depthProfile() []float64 {
	sums := make([]float64, deepestLevel+1)
	sum := 0.0
	for k := range sums {
		z := float64(k) - humpCentre
		sum += 1/math.Pow(float64(k)+1, depthExponent) + humpHeight*math.Exp(-0.5*z*z)
		sums[k] = sum
	}
	return sums
}

// schedule makes the messages of all orders and sorts them by time.
func schedule(rng *twister, placed []placement, arrival []int) []bookMessage {
	type event struct {
		at int64 // microseconds
		bookMessage
	}
	events := make([]event, 0, 9*len(placed)/4)
	now := int64(0)
	send := func(after int64, m bookMessage, kind uint8) {
		now += after
		m.kind = kind
		events = append(events, event{now, m})
	}
	for _, i := range arrival {
		p := placed[i]
		if rng.uniform() < 0.15 {
			send(0, p.bookMessage, messageIOC)
			now++
			continue
		}
		send(0, p.bookMessage, messageNew)
		replaced, later := false, p.bookMessage
		later.quantity++
		if rng.uniform() < 0.20 {
			wait := 30 + int64(rng.uniform()*70)
			if rng.uniform() < 0.80 {
				later.tick += 3 - 2*int64(p.side) // up for a buyer, down for a seller
			}
			send(wait, later, messageReplace)
			replaced = true
		}
		cancelled := rng.uniform() < 0.95
		if cancelled {
			rate := math.Ln2 / medianLifetime / math.Sqrt(1+float64(p.depth))
			send(int64(rng.exponential(rate)), p.bookMessage, messageCancel)
			if rng.uniform() < 0.02 {
				send(1+int64(rng.uniform()*20), p.bookMessage, messageCancel)
			}
		}
		if replaced && cancelled && rng.uniform() < 0.02 {
			send(1+int64(rng.uniform()*20), later, messageReplace)
		}
		now++
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	out := make([]bookMessage, len(events))
	for i, e := range events {
		out[i] = e.bookMessage
	}
	return out
}

// twister is the Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), the
// generator that the published streams are drawn from.
type twister struct {
	state [624]uint32
	at    int
}

func newTwister(seed uint32) *twister {
	t := &twister{at: 624}
	for i := range t.state {
		t.state[i] = seed
		seed = 1812433253*(seed^seed>>30) + uint32(i) + 1
	}
	return t
}

func (t *twister) next() uint32 {
	if t.at == len(t.state) {
		for i := range t.state {
			y := t.state[i]&(1<<31) | t.state[(i+1)%624]&(1<<31-1)
			t.state[i] = t.state[(i+397)%624] ^ y>>1 ^ (y&1)*0x9908B0DF
		}
		t.at = 0
	}
	y := t.state[t.at]
	t.at++
	y ^= y >> 11
	y ^= y << 7 & 0x9D2C5680
	y ^= y << 15 & 0xEFC60000
	return y ^ y>>18
}

// uniform returns a number in [0,1) with 53 random bits.
func (t *twister) uniform() float64 {
	high, low := t.next()>>5, t.next()>>6
	return (float64(high)*(1<<26) + float64(low)) / (1 << 53)
}

// between returns a whole number from low to high, both included.
func (t *twister) between(low, high uint32) uint32 {
	return low + uint32(t.uniform()*float64(high-low+1))
}

// normal returns a standard normal number by Box and Muller.
func (t *twister) normal() float64 {
	u, v := max(t.uniform(), 1e-300), t.uniform()
	return math.Sqrt(-2*math.Log(u)) * math.Cos(2*math.Pi*v)
}

func (t *twister) exponential(rate float64) float64 {
	return -math.Log(max(t.uniform(), 1e-300)) / rate
}
