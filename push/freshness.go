package push

import (
	"slices"
	"sync/atomic"
	"time"
)

// The age of messages when they are handed over, acknowledged and painted. It shows
// whether the clients' screens are current. It is counted for every live message, so
// it must be cheap compared with a send: counts are in fixed arrays, no delivery
// allocates, and neighbours of the same kind and age are added at once.
//
// Replays, snapshots and the first state of a topic are not counted, because they are
// always old.

// Stage is how far a message has come.
type Stage uint8

// The stages of a delivery.
const (
	// StageSent: handed to the transport. It does not prove that anything left this
	// machine: a send that has returned may only have been queued.
	StageSent Stage = iota
	// StageAcknowledged: the client's acknowledgement has arrived. Clients gather
	// acknowledgements, so this is an upper bound.
	StageAcknowledged
	// StagePainted: it was on the screen, if the client reports that.
	StagePainted

	stages = int(StagePainted) + 1
)

// ages are the upper bounds of a Histogram's buckets; the last bucket has none.
var ages = [...]time.Duration{ //nolint:gochecknoglobals // A constant that Go cannot write as one.
	250 * time.Microsecond, 500 * time.Microsecond, time.Millisecond, 2500 * time.Microsecond, 5 * time.Millisecond,
	10 * time.Millisecond, 25 * time.Millisecond, 50 * time.Millisecond, 100 * time.Millisecond, 250 * time.Millisecond,
	500 * time.Millisecond, time.Second, 2500 * time.Millisecond, 5 * time.Second, 10 * time.Second, 30 * time.Second,
	time.Minute,
}

// Histogram counts ages in buckets with the upper bounds of [HistogramBounds]. The
// counts are not cumulative. The last bucket counts ages above all bounds.
type Histogram struct {
	Count   uint64
	Sum     time.Duration
	Buckets [len(ages) + 1]uint64
}

// HistogramBounds returns the upper bounds of a Histogram's buckets, rising. The last
// bucket has none.
func HistogramBounds() []time.Duration { return slices.Clone(ages[:]) }

// Quantile returns the lowest bound that at least the fraction q (0 to 1) of the ages
// do not exceed; 0 when nothing was counted. Ages above all bounds count as the
// highest bound.
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

// KindFreshness has the ages of the live messages of one kind at a stage.
type KindFreshness struct {
	Kind string // Message.Kind, or "other" for kinds past the limit of 31.
	Histogram
}

const (
	// maxKinds bounds the kinds that are counted separately: each has a bit in a tally.
	maxKinds = 32
	// freshnessShards lets streams on different cores count without contention.
	freshnessShards = 8
)

// kind numbers a Message.Kind within a hub. 0 is "other".
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
	names = append(slices.Clone(names), name)
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

// since returns a commit time by the hub's clock. It may lie before the hub was made.
func (h *Hub) since(committed time.Time) int64 {
	if committed.IsZero() {
		return never
	}
	return int64(committed.Sub(h.started))
}

// sent counts a response that is about to be handed over, for the hub and for the
// stream. It returns the newest commit and the kinds. The caller holds s.mu.
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
