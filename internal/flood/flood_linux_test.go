package flood

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// mostMemory is what a venue under attack may use at its peak, in bytes.
const mostMemory = 1 << 30

// slower is how many times longer the slowest hundredth of honest orders may take under an
// attack.
const slower = 5

// TestFloodsCostNoHonestUserAnOrderOrASignIn runs all attacks at once, or one after the
// other and then all at once at full length.
func TestFloodsCostNoHonestUserAnOrderOrASignIn(t *testing.T) {
	all := slices.Sorted(maps.Keys(floods()))
	rounds, work := [][]string{all}, effort{orders: 30, signIns: 5}
	if text := os.Getenv("TODOKU_FLOODS"); text != "" { // Only these, for a closer look.
		rounds = [][]string{strings.Split(text, ",")}
	}
	if os.Getenv("TODOKU_SOAK") != "" {
		rounds, work = nil, effort{orders: 1000, signIns: 100, judged: true}
		for _, name := range all {
			rounds = append(rounds, []string{name})
		}
		rounds = append(rounds, all)
	}
	v := startVenue(t)
	o := newOffice(t, v)
	t.Logf("%-30s %9s %8s %7s %17s %17s %17s", "attack", "attempts", "MB peak", "CPU s", "order p50/p99", "under attack", "sign-in p50/p99")
	for _, names := range rounds {
		underAttack(t, v, o, names, work)
	}
}

// effort is how much the honest users do.
type effort struct {
	orders, signIns int
	judged          bool // The time of an order is judged, not only printed.
}

// underAttack compares honest work before and under an attack.
func underAttack(t *testing.T, v *venue, o *office, names []string, work effort) {
	t.Helper()
	before, _, err := o.work(t.Context(), work.orders, 1)
	if err != nil {
		t.Fatalf("before the attack: %v", err)
	}
	s := besiege(t, plan{GRPC: v.GRPC, HTTP: v.HTTP, Floods: names})
	v.forgetPeak(t)
	cpu := v.cpu(t)
	s.begin(t)
	during, signIns, err := o.work(t.Context(), work.orders, work.signIns)
	if err != nil {
		t.Fatalf("%v: %v", names, err)
	}
	tallies := s.stop(t)
	peak := v.peak(t)
	name, attempts := "all at once", 0
	if len(names) == 1 {
		name = names[0]
	}
	for _, tally := range tallies {
		attempts += total(tally)
	}
	both := func(times []time.Duration) string {
		return fmt.Sprintf("%.1f/%.1f ms", percentile(times, 0.5).Seconds()*1e3, percentile(times, 0.99).Seconds()*1e3)
	}
	t.Logf("%-30s %9d %8d %7.1f %17s %17s %17s", name, attempts, peak>>20, (v.cpu(t) - cpu).Seconds(), both(before), both(during), both(signIns))
	for _, flood := range slices.Sorted(maps.Keys(tallies)) {
		t.Logf("    %s: %v", flood, tallies[flood])
		if want := floods()[flood].refused; want != "" && total(tallies[flood]) > 0 && tallies[flood][want] == 0 {
			t.Errorf("%s: no attempt ended with %s: %v", flood, want, tallies[flood])
		}
	}
	if peak > mostMemory {
		t.Errorf("%s: the venue used %d MB, want at most %d", name, peak>>20, mostMemory>>20)
	}
	if a, b := percentile(before, 0.99), percentile(during, 0.99); work.judged && b > slower*a {
		t.Errorf("%s: the slowest hundredth of honest orders took %s, before %s", name, b, a)
	}
}
