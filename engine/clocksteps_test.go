package engine

import (
	"errors"
	"testing"
	"time"

	"todoku/trade"
)

// The steps of the wall clock, forward and back: less and more than the life of an order,
// than half a day, and a whole day.
var steps = []time.Duration{
	40 * time.Second, -40 * time.Second, time.Hour, -time.Hour,
	13 * time.Hour, -13 * time.Hour, 24 * time.Hour, -24 * time.Hour,
}

// steppedVenue is a venue whose wall clock can be stepped; its monotonic clock only passes.
type steppedVenue struct {
	*testVenue

	passed time.Duration
	number int
}

// newSteppedVenue has alice, whose account may send two messages a second, with a DAY
// order. The day ends at 22:00, in 13 hours.
func newSteppedVenue(t *testing.T) *steppedVenue {
	t.Helper()
	v := &steppedVenue{testVenue: newTestVenue(t)}
	v.options.Elapsed = func() time.Duration { return v.passed }
	v.open()
	v.must(&trade.ConfigureVenue{Venue: trade.Venue{DayEnd: 22 * 60 * 60}})
	v.signUp(trade.RoleTrader, "alice")
	v.must(&trade.UpsertInstrument{Instrument: testInstrument("GOLD")})
	v.must(&trade.SetLimits{Target: "alice", Limits: trade.Limits{MaxMessagesPerSecond: 2}})
	v.must(v.order(0))
	return v
}

// pass lets time pass, and the engine look at its clocks as often as it does.
func (v *steppedVenue) pass(d time.Duration) {
	v.t.Helper()
	for d > 0 {
		part := min(d, lookEvery)
		v.clock, v.passed, d = v.clock.Add(part), v.passed+part, d-part
		v.tick()
	}
}

// step changes the wall clock alone.
func (v *steppedVenue) step(d time.Duration) { v.clock = v.clock.Add(d) }

// order is a DAY order, or one that ends some time after the present wall clock.
func (v *steppedVenue) order(life time.Duration) *trade.PlaceOrder {
	v.number++
	o := &trade.PlaceOrder{
		Actor:  trade.Actor{User: "alice", Account: "alice", Request: trade.RequestID("o" + time.Duration(v.number).String())},
		Symbol: "GOLD", Side: trade.SideBuy, Price: 100_00000000, Quantity: 1_00000000,
	}
	if life != 0 {
		o.TimeInForce, o.Expire = trade.TimeInForceGTD, v.clock.Add(life).UnixNano()
	}
	return o
}

// wantOrders compares the number of working orders.
func (v *steppedVenue) wantOrders(want int, when string) {
	v.t.Helper()
	if n := len(v.engine.state.orders); n != want {
		v.t.Errorf("%s: %d orders work, want %d", when, n, want)
	}
}

// wantRising checks that the times of the records rise.
func (v *steppedVenue) wantRising() {
	v.t.Helper()
	last := int64(0)
	for _, r := range v.records {
		if r.Time <= last {
			v.t.Fatalf("record %d is of %v, the one before of %v", r.Sequence, time.Unix(0, r.Time).UTC(), time.Unix(0, last).UTC())
		}
		last = r.Time
	}
}

// TestAClockThatIsWrongForSecondsChangesNothing steps the wall clock during a single order.
func TestAClockThatIsWrongForSecondsChangesNothing(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			v := newSteppedVenue(t)
			v.must(v.order(30 * time.Minute))
			v.pass(2 * time.Second)
			v.step(step)
			v.must(v.order(0))
			v.pass(2 * time.Second)
			v.step(-step)
			v.wantOrders(3, "after the steps")
			v.must(v.order(0))
			v.must(v.order(30 * time.Minute))
			if err := v.submit(v.order(0))[0].Err; !isRateLimit(err) {
				t.Errorf("the third message within a second: %v", err)
			}
			v.pass(29 * time.Minute)
			v.wantOrders(5, "before the GTD orders end")
			v.pass(time.Minute)
			v.wantOrders(3, "after the GTD orders ended")
			v.pass(13 * time.Hour)
			v.wantOrders(0, "after the day")
			v.wantRising()
		})
	}
}

// TestAStepThatHoldsIsFollowed steps the wall clock for good, and back much later.
func TestAStepThatHoldsIsFollowed(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			v := newSteppedVenue(t)
			v.must(&trade.ConfigureVenue{Venue: trade.Venue{DayEnd: 8 * 60 * 60}}) // Only a step of 24 h passes it.
			v.step(step)
			v.pass(stepHeld + lookEvery)
			if got, want := v.engine.source.now(), v.clock.UnixNano(); got != want {
				t.Fatalf("the engine's time is %v, the wall clock shows %v", time.Unix(0, got).UTC(), v.clock)
			}
			working := len(v.engine.state.orders)
			v.usable(working, "after the first step")
			v.step(-step)
			v.pass(stepHeld + lookEvery)
			v.usable(working, "after the second step")
			v.wantRising()
		})
	}
}

// TestARestartWithTheClockSetBackIsUsable restarts after the clock was wrong for so long
// that it was followed.
func TestARestartWithTheClockSetBackIsUsable(t *testing.T) {
	t.Parallel()
	for _, step := range steps {
		t.Run(step.String(), func(t *testing.T) {
			t.Parallel()
			v := newSteppedVenue(t)
			v.step(step)
			v.pass(stepHeld + lookEvery)
			v.must(v.order(0))
			v.step(-step)
			v.passed = 0 // The monotonic clock of another process.
			v.open()
			v.tick()
			v.usable(len(v.engine.state.orders), "after the restart")
			v.wantRising()
		})
	}
}

// usable checks orders that end within the hour, the rate and cancels.
func (v *steppedVenue) usable(working int, when string) {
	v.t.Helper()
	v.pass(2 * time.Second)
	v.must(v.order(time.Minute))
	v.must(v.order(30 * time.Minute))
	if err := v.submit(v.order(0))[0].Err; !isRateLimit(err) {
		v.t.Errorf("%s: the third message within a second: %v", when, err)
	}
	v.pass(time.Minute)
	v.wantOrders(working+1, when+", after the shorter GTD order")
	v.must(v.order(0))
	v.must(&trade.CancelOrder{
		Actor:  trade.Actor{User: "alice", Account: "alice", Request: trade.RequestID("c" + time.Duration(v.number).String())},
		Target: trade.OrderRef{ClientOrderID: trade.RequestID("o" + time.Duration(v.number).String())},
	})
	v.pass(29 * time.Minute)
	v.wantOrders(working, when+", after the longer GTD order")
}

func isRateLimit(err error) bool {
	var refusal *trade.Refusal
	return errors.As(err, &refusal) && refusal.Reason == trade.ReasonRateLimit
}
