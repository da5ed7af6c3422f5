package bench

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestBucketsCoverEveryDurationWithoutGap(t *testing.T) {
	for b := range buckets - 1 {
		if d := upper(b); d >= 0 && bucket(d) != b {
			t.Fatalf("upper(%d) = %d is counted in %d", b, d, bucket(d))
		}
		if d := upper(b); d >= 0 && d < math.MaxInt64 && bucket(d+1) != b+1 {
			t.Fatalf("%d, after bucket %d, is counted in %d", d+1, b, bucket(d+1))
		}
		if bucket(math.MaxInt64) == b {
			return
		}
	}
	t.Error("the longest duration has no bucket")
}

func TestQuantilesAreThoseOfTheSortedValues(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	var one, other histogram
	var all []time.Duration
	for i := range 10_000 {
		d := time.Duration(rng.Int64N(int64(1) << (1 + rng.Int64N(40))))
		all = append(all, d)
		if i%3 == 0 {
			one.record(d)
		} else {
			other.record(d)
		}
	}
	one.add(&other)
	slices.Sort(all)
	for _, q := range []uint64{1, 5000, 9900, 9990, 10_000} {
		want := all[max((uint64(len(all))*q+9999)/10_000, 1)-1]
		if got := one.quantile(q); got < want || got > want+want/half+1 {
			t.Errorf("quantile %d is %d, want %d", q, got, want)
		}
	}
	if one.most != all[len(all)-1] {
		t.Errorf("longest is %d, want %d", one.most, all[len(all)-1])
	}
	if (&histogram{}).quantile(5000) != 0 {
		t.Error("an empty histogram has a median")
	}
}

func TestNegativeDurationsCountAsNone(t *testing.T) {
	var h histogram
	h.record(-time.Second)
	if h.quantile(5000) != 0 || h.total != 1 {
		t.Errorf("%d values with median %d", h.total, h.quantile(5000))
	}
}
