package bench

import (
	"math/bits"
	"time"
)

// histogram counts durations in buckets that grow with the value: exact below 128
// ns, within 1.6 % above. It needs no allocation and no floating point. Not safe
// for concurrent use.
type histogram struct {
	counts [buckets]uint64
	total  uint64
	most   time.Duration
}

const (
	// halfBits is how many bits of a value are kept after its first.
	halfBits = 6
	half     = 1 << halfBits
	buckets  = (64-halfBits)*half + half
)

// bucket returns where a duration is counted; negative ones count as 0.
func bucket(d time.Duration) int {
	v := uint64(max(d, 0))
	shift := max(bits.Len64(v)-halfBits-1, 0)
	return shift*half + int(v>>shift)
}

// upper returns the longest duration that is counted in a bucket.
func upper(bucket int) time.Duration {
	if bucket < 2*half {
		return time.Duration(bucket)
	}
	shift := bucket/half - 1
	return time.Duration((uint64(bucket%half+half)+1)<<shift - 1)
}

func (h *histogram) record(d time.Duration) {
	h.counts[bucket(d)]++
	h.total++
	h.most = max(h.most, d)
}

// add adds another histogram's counts.
func (h *histogram) add(other *histogram) {
	for i, n := range other.counts {
		h.counts[i] += n
	}
	h.total += other.total
	h.most = max(h.most, other.most)
}

// quantile returns the shortest duration d of which this holds: at least so many
// ten-thousandths of the values are d or less. It returns 0 for an empty histogram.
func (h *histogram) quantile(tenThousandths uint64) time.Duration {
	// The rank is counted from 1 and rounded up: of three, the median is the second.
	rank := max((h.total*tenThousandths+9999)/10000, 1)
	for i, n := range h.counts {
		if n >= rank {
			return min(upper(i), h.most)
		}
		rank -= n
	}
	return h.most
}

// summary returns the figures that are published, in milliseconds.
func (h *histogram) summary() (p50, p99, p999, most float64) {
	return milliseconds(h.quantile(5000)), milliseconds(h.quantile(9900)), milliseconds(h.quantile(9990)), milliseconds(h.most)
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Round(time.Microsecond)) / float64(time.Millisecond)
}
