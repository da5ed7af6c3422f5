package push

import (
	"sync/atomic"
	"time"
)

// How old messages are when they are handed over, acknowledged and painted. A
// server that cannot say this cannot say whether its clients' screens are
// current. It is counted for every live message and must cost next to nothing
// beside the send: counts lie in fixed arrays, no delivery allocates, and
// neighbours of the same kind and age are added at once.
//
// Replays, snapshots and a topic's state when it is first sent are not counted:
// they are old by nature.

// Stage says how far a message has come.
type Stage uint8

// The stages of a delivery.
const (
	// StageSent: handed to the transport. It is no proof that anything left this
	// machine: a send that returned was queued, no more.
	StageSent Stage = iota
	// StageAcknowledged: the client's word that it has arrived has itself arrived.
	// Clients gather acknowledgements, so this is a bound from above.
	StageAcknowledged
	// StagePainted: it was on the screen, where the client says so.
	StagePainted

	stages = int(StagePainted) + 1
)

// ages are the upper bounds of a Histogram's buckets but the last.
var ages = [...]time.Duration{ //nolint:gochecknoglobals // A constant that Go cannot write as one.
	250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute,
}

// Histogram counts ages. Buckets are those of [HistogramBounds], each without
// those below it; the last counts what is older than all bounds.
type Histogram struct {
	Count   uint64
	Sum     time.Duration
	Buckets [len(ages) + 1]uint64
}

// HistogramBounds returns the upper bounds of a Histogram's buckets but the last,
// rising.
func HistogramBounds() []time.Duration { return append([]time.Duration(nil), ages[:]...) }

// Quantile returns the bound below which at least the fraction q (0 to 1) of the
// ages lie; 0 when nothing was counted. What is older than all bounds counts as
// the highest.
func (h *Histogram) Quantile(q float64) time.Duration {
	if h.Count == 0 {
		return 0
	}
	below := uint64(0)
	for i, count := range h.Buckets {
		if below += count; float64(below) >= q*float64(h.Count) {
			return ages[min(i, len(ages)-1)]
		}
	}
	return ages[len(ages)-1]
}

func (h *Histogram) add(age time.Duration) {
	h.Count++
	h.Sum += age
	h.Buckets[bucketOf(age)]++
}

func bucketOf(age time.Duration) int {
	i := 0
	for i < len(ages) && age > ages[i] {
		i++
	}
	return i
}

// KindFreshness is how old the live messages of one kind were at a stage.
type KindFreshness struct {
	Kind string // Message.Kind; "other" for the kinds past the first maxKinds.
	Histogram
}

const (
	// maxKinds bounds the kinds that are counted apart: a bit each in a tally.
	maxKinds = 32
	// freshnessShards keeps consumers on different cores off each other's counts.
	freshnessShards = 8
)

// kind numbers a Message.Kind within a hub. The first is that of all the rest.
type kind uint8

// freshness holds the counts of a hub.
type freshness struct {
	numbers map[string]kind          // Protected by Hub.publishing.
	names   atomic.Pointer[[]string] // By number.
	next    atomic.Uint32            // The shard of the next collector.
	shards  [freshnessShards]freshnessShard
}

type freshnessShard [stages][maxKinds]struct {
	sum     atomic.Int64
	buckets [len(ages) + 1]atomic.Uint64
}

func (f *freshness) init() {
	f.numbers = make(map[string]kind)
	f.names.Store(&[]string{"other"})
}

// kind returns the number of a name. The caller holds Hub.publishing.
func (f *freshness) kind(name string) kind {
	number, known := f.numbers[name]
	if known {
		return number
	}
	names := *f.names.Load()
	if len(names) == maxKinds {
		return 0
	}
	names = append(append([]string(nil), names...), name)
	number = kind(len(names) - 1)
	f.numbers[name] = number
	f.names.Store(&names)
	return number
}

func (f *freshness) shard() *freshnessShard {
	return &f.shards[f.next.Add(1)%freshnessShards]
}

func (s *freshnessShard) add(stage Stage, k kind, age time.Duration, count uint64) {
	cell := &s[stage][k]
	cell.sum.Add(int64(age) * int64(count))
	cell.buckets[bucketOf(age)].Add(count)
}

// addEach adds one age for every kind in a set.
func (s *freshnessShard) addEach(stage Stage, kinds uint32, age time.Duration) {
	for k := kind(0); kinds != 0; k, kinds = k+1, kinds>>1 {
		if kinds&1 != 0 {
			s.add(stage, k, age, 1)
		}
	}
}

// Freshness returns, for every kind that was published since the hub was made,
// how long after the commit its live messages reached a stage. At StageSent each
// message on each stream counts; at the later ones each response counts once for
// every kind in it, at the age of its newest commit.
func (h *Hub) Freshness(stage Stage) []KindFreshness {
	names := *h.freshness.names.Load()
	list := make([]KindFreshness, len(names))
	for number := range list {
		k := &list[number]
		k.Kind = names[number]
		for i := range h.freshness.shards {
			cell := &h.freshness.shards[i][stage][number]
			k.Sum += time.Duration(cell.sum.Load())
			for b := range cell.buckets {
				n := cell.buckets[b].Load()
				k.Buckets[b] += n
				k.Count += n
			}
		}
	}
	return list
}

// part is the live messages of a response that have one kind and commit time.
type part struct {
	kind  kind
	count uint32
	at    int64 // When it was committed, by the hub's clock.
}

// since tells a commit in the hub's clock. It may lie before the hub was made.
func (h *Hub) since(committed time.Time) int64 {
	if committed.IsZero() {
		return never
	}
	return int64(committed.Sub(h.started))
}

// sent counts a response that is about to be handed over: for the hub, and for
// the stream, whose caller holds s.mu. It returns the newest commit and the kinds.
func (c *collector) sent(s *Stream, now int64) (newest int64, kinds uint32) {
	var run struct {
		kind  kind
		count uint64
		sum   time.Duration
		at    int
	}
	shard := c.shard
	flush := func() {
		if run.count > 0 {
			cell := &shard[StageSent][run.kind]
			cell.sum.Add(int64(run.sum))
			cell.buckets[run.at].Add(run.count)
		}
	}
	newest, oldest := int64(0), never
	for i := range c.parts {
		p := &c.parts[i]
		age := time.Duration(max(0, now-p.at))
		if at := bucketOf(age); at != run.at || p.kind != run.kind {
			flush()
			run.kind, run.at, run.count, run.sum = p.kind, at, 0, 0
		}
		run.count += uint64(p.count)
		run.sum += age * time.Duration(p.count)
		kinds |= 1 << p.kind
		oldest = min(oldest, p.at)
		if newest == 0 || p.at > newest {
			newest = p.at
		}
	}
	flush()
	if kinds != 0 {
		s.deliveries().note(StageSent, time.Duration(max(0, now-oldest)))
	}
	return newest, kinds
}
