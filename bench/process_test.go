package bench

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// self is the binary that acts as todoku in this package's tests.
func self(t *testing.T) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return binary
}

func TestAStartedVenueIsMeasuredAndLeavesNothingBehind(t *testing.T) {
	parent := t.TempDir()
	p, err := StartProcess(t.Context(), self(t), parent)
	if err != nil {
		t.Fatal(err)
	}
	for _, sender := range []Client{GRPC, Light} {
		r, err := counted(func(d time.Duration) (Result, error) {
			// Order ids are unique by run; a market is prepared anew for each.
			market, err := Prepare(t.Context(), p.Target, 4)
			if err != nil {
				return Result{}, err
			}
			return Orders(t.Context(), OrdersConfig{
				Target: p.Target, Market: market, Client: sender, InFlight: 8, Batch: 3,
				Warmup: 50 * time.Millisecond, Duration: d,
			})
		})
		if err != nil || !r.Good() || r.Orders == 0 || r.Rejected > 0 || *r.ServerCPU <= 0 {
			t.Errorf("%s: %+v, %v", sender, r, err)
		}
	}
	market, err := Prepare(t.Context(), p.Target, 4)
	if err != nil {
		t.Fatal(err)
	}
	r, err := Reports(t.Context(), OrdersConfig{
		Target: p.Target, Market: market, Rate: 100, Warmup: 50 * time.Millisecond, Duration: 500 * time.Millisecond,
	})
	if err != nil || !r.Good() || r.DeliveriesPerSecond <= 0 || r.P50 <= 0 {
		t.Errorf("%+v, %v", r, err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind (%v)", left, err)
	}
	if err := syscall.Kill(p.PID, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the process is still there: %v", err)
	}
}

func TestAVenueThatDoesNotStartSaysWhy(t *testing.T) {
	parent := t.TempDir()
	_, err := StartProcess(t.Context(), self(t), parent, "--broken")
	if err == nil || !strings.Contains(err.Error(), "no such flag: --broken") {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(parent); err != nil || len(left) > 0 {
		t.Errorf("%v is left behind (%v)", left, err)
	}
}

func TestReportsAreMatchedOnceEach(t *testing.T) {
	now := time.Now()
	r := &reporter{plan: &schedule{measure: now}, sent: map[string]time.Time{"a": now, "b": now, "unanswered": {}}}
	r.report("a", now.Add(time.Millisecond))
	r.report("a", now.Add(time.Millisecond))
	r.report("stranger", now)
	result := Result{Seconds: 1}
	r.finish(&result)
	if *result.Lost != 1 || *result.Duplicated != 2 || result.DeliveriesPerSecond != 1 || result.Good() {
		t.Errorf("%+v", result)
	}
}
