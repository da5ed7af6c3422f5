package feed

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"todoku/push"
)

// naiveIndex keeps everything.
type naiveIndex struct {
	topics map[push.Topic][]uint64
	times  map[uint64]int64
	head   uint64
}

func (n *naiveIndex) first(topics []push.Topic, after uint64, most int) []uint64 {
	var all []uint64
	for _, topic := range topics {
		for _, sequence := range n.topics[topic] {
			if sequence > after {
				all = append(all, sequence)
			}
		}
	}
	slices.Sort(all)
	all = slices.Compact(all)
	return all[:min(most, len(all))]
}

func to(topics ...push.Topic) []addressed {
	var audience []*subject
	for _, topic := range topics {
		audience = append(audience, &subject{topic: topic})
	}
	return []addressed{{audience: audience}}
}

func TestTheIndexAnswersLikeOneThatForgetsNothingOrSaysThatItForgot(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	const limit, age = 1000, time.Hour
	x := newIndex(limit, age)
	naive := &naiveIndex{topics: make(map[push.Topic][]uint64), times: make(map[uint64]int64)}
	names := []push.Topic{"a", "b", "c", "d", "e"}
	at := int64(0)
	refused, served := 0, 0
	for step := range 30_000 {
		naive.head++
		at += random.Int64N(int64(2 * time.Second))
		naive.times[naive.head] = at
		// The topics are of very different rates.
		var topics []push.Topic
		for i, name := range names {
			if random.IntN(1<<(2*i)) == 0 {
				topics = append(topics, name)
				naive.topics[name] = append(naive.topics[name], naive.head)
			}
		}
		x.add(naive.head, at, append(to(topics...), to(topics...)...))
		if step%50 != 0 {
			continue
		}
		asked := names[random.IntN(len(names)):]
		after := random.Uint64N(naive.head + 1)
		most := 1 + random.IntN(2000)
		want := naive.first(asked, after, most)
		if after < x.knownAfter(asked) {
			refused++
			// A resume may be refused only if a topic is over its bound.
			over := false
			for _, name := range asked {
				mine := naive.first([]push.Topic{name}, after, 1<<30)
				over = over || len(mine) > limit || len(mine) > 0 && at-naive.times[mine[0]] > int64(age)
			}
			if !over {
				t.Fatalf("step %d: %v after %d is within the bounds and refused", step, asked, after)
			}
			continue
		}
		served++
		if got := x.first(asked, after, most); !slices.Equal(got, want) {
			t.Fatalf("step %d: %v after %d, at most %d: %d sequences, want %d", step, asked, after, most, len(got), len(want))
		}
		if got, want := x.newest("c"), naive.topics["c"]; len(want) > 0 && got != want[len(want)-1] {
			t.Fatalf("step %d: newest is %d", step, got)
		}
	}
	if refused == 0 || served == 0 {
		t.Errorf("%d refused and %d served are too few", refused, served)
	}
	size := 0
	for name, e := range x.topics {
		for _, b := range e.blocks {
			size += len(b.data)
		}
		if e.count > limit+blockSize {
			t.Errorf("topic %s keeps %d", name, e.count)
		}
	}
	again := recode(t, x)
	for _, name := range names {
		if got, want := again.first([]push.Topic{name}, 0, 1<<20), x.first([]push.Topic{name}, 0, 1<<20); !slices.Equal(got, want) {
			t.Errorf("topic %s: %d sequences after encoding, want %d", name, len(got), len(want))
		}
	}
	if again.knownAfter(names) == 0 || again.position != x.position || len(again.marks) != len(x.marks) {
		t.Error("the index forgot what it had dropped")
	}
}

func recode(t *testing.T, x *index) *index {
	t.Helper()
	epoch, again, err := decodeIndex(encodeIndex("e", x.clone()), x.limit, x.age)
	if err != nil || epoch != "e" {
		t.Fatalf("epoch %q, %v", epoch, err)
	}
	return again
}

func TestACloneOfTheIndexIsNotTouchedByWhatFollows(t *testing.T) {
	x := newIndex(10_000, time.Hour)
	for sequence := range uint64(1000) {
		x.add(sequence+1, int64(sequence), to("a"))
	}
	c := x.clone()
	want := encodeIndex("e", c)
	for sequence := range uint64(1000) {
		x.add(sequence+1001, int64(sequence)+1000, to("a", "b"))
	}
	if !bytes.Equal(encodeIndex("e", c), want) {
		t.Error("it changed")
	}
}

func FuzzDecodeIndex(f *testing.F) {
	x := newIndex(100, time.Hour)
	for sequence := range uint64(30) {
		x.add(sequence+1, int64(sequence)*int64(time.Minute), to(push.Topic(fmt.Sprint("t", sequence%3))))
	}
	f.Add(encodeIndex("e", x)) // Small: long inputs keep the fuzzer busy with shortening them.
	f.Add(encodeIndex("", newIndex(1, time.Hour)))
	f.Add([]byte{indexVersion, 0, 0, 0, 0})
	f.Fuzz(func(t *testing.T, blob []byte) {
		// A checksum keeps a fuzzer out, so it is put right first.
		if len(blob) >= 4 {
			blob = seal(blob[:len(blob)-4])
		}
		epoch, x, err := decodeIndex(blob, 100, time.Hour)
		if err != nil {
			if !errors.Is(err, ErrBadIndex) {
				t.Fatalf("error %v", err)
			}
			return
		}
		again := encodeIndex(epoch, x)
		epoch2, y, err := decodeIndex(again, 100, time.Hour)
		if err != nil || epoch2 != epoch || !bytes.Equal(encodeIndex(epoch, y), again) {
			t.Fatalf("the index changed when written again: %v", err)
		}
		// It must answer and go on with any content.
		x.first([]push.Topic{"t0"}, 0, 10)
		x.add(x.position+1, 1<<62, to("t0", "new"))
	})
}
