package digest_test

import (
	"fmt"
	"hash/fnv"
	"os"
	"strings"
	"testing"

	"todoku/digest"
)

// page is where implementers of other languages read the algorithm.
const page = "../docs/protocol.md"

// vectors are those of the page, which may never change.
func vectors() map[string]uint64 {
	return map[string]uint64{
		"order 1, sequence 1":                                   digest.Order(1, 1),
		"order 353, sequence 504":                               digest.Order(353, 504),
		"order 18446744073709551615, sequence 9007199254740993": digest.Order(1<<64-1, 1<<53+1),
		"position alice USDJPY, sequence 504":                   digest.Position("alice", "USDJPY", 504),
		"position desk-7 BRK.B/USD, sequence 1":                 digest.Position("desk-7", "BRK.B/USD", 1),
		"order 353 at 504 and alice USDJPY at 504":              digest.Order(353, 504) + digest.Position("alice", "USDJPY", 504),
	}
}

func TestTheProtocolShowsTheTestVectors(t *testing.T) {
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for what, sum := range vectors() {
		if row := fmt.Sprintf("| %s | `%016x` |", what, sum); !strings.Contains(string(text), row) {
			t.Errorf("%s lacks the row %s", page, row)
		}
	}
}

// TestThePartsAreWhatTheyAreCalled computes a position's hash from the standard
// library's FNV-1a, so that the page may name it.
func TestThePartsAreWhatTheyAreCalled(t *testing.T) {
	name := fnv.New64a()
	_, _ = name.Write([]byte("alice USDJPY"))
	// A position is an order of another kind whose id is the hash of its name.
	const golden = 0x9e3779b97f4a7c15
	if got, want := digest.Position("alice", "USDJPY", 7), digest.Order(name.Sum64()+golden, 7); got != want {
		t.Errorf("position %x, want %x", got, want)
	}
}

// TestSumsOfDifferentHoldingsDiffer looks at all small accounts of up to three
// orders and at orders that were changed the other way round.
func TestSumsOfDifferentHoldingsDiffer(t *testing.T) {
	seen := map[uint64]string{}
	tell := func(what string, sum uint64) {
		if other, ok := seen[sum]; ok {
			t.Errorf("%s and %s have the sum %x", what, other, sum)
		}
		seen[sum] = what
	}
	const most = 24
	tell("nothing", 0)
	for a := range uint64(most) {
		for x := range uint64(most) {
			tell(fmt.Sprint(a, "@", x), digest.Order(a, x))
			tell(fmt.Sprint("position ", a, "@", x), digest.Position(fmt.Sprint("a", a), "S", x))
			for b := range a {
				for y := range uint64(most) {
					tell(fmt.Sprint(a, "@", x, " ", b, "@", y), digest.Order(a, x)+digest.Order(b, y))
				}
			}
		}
	}
}

func BenchmarkPosition(b *testing.B) {
	b.ReportAllocs()
	var sum uint64
	for i := range b.N {
		sum += digest.Position("alice", "USDJPY", uint64(i))
	}
	if sum == 0 {
		b.Error("nothing was summed")
	}
}
