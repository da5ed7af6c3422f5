package push_test

import (
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"todoku/push"
)

// book is the state of the one topic that these tests use.
func (r *receiver) book() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.state["book"])
}

func TestStateIsSentWholeThenAtMostOncePerInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{HeartbeatInterval: time.Hour, AckTimeout: -1, StreamAge: -1})
		if err := h.Seed(10, []*push.Message{level(10, "book", "a", "1"), level(9, "book", "b", "2"), event(9, 0, "book", 1)}); err != nil {
			t.Fatal(err)
		}
		r := receive(t.Context(), attach(t, h, push.AttachRequest{After: 10, Topics: []push.Topic{"book"}, StateInterval: 100 * time.Millisecond}), 0, nil)
		synctest.Wait()
		if got := r.book(); !maps.Equal(got, map[string]string{"a": "1", "b": "2"}) {
			t.Fatalf("the whole state is %v", got)
		}
		responses := len(r.snapshot().Responses)
		time.Sleep(time.Second)
		if n := len(r.snapshot().Responses); n != responses {
			t.Fatalf("%d responses although nothing changed", n-responses)
		}
		sequence := uint64(10)
		for range 1000 { // One change a millisecond, for a second.
			sequence++
			publish(t, h, sequence, level(sequence, "book", "a", strconv.FormatUint(sequence, 10)))
			time.Sleep(time.Millisecond)
			synctest.Wait()
		}
		flushes := len(r.snapshot().Responses) - responses
		if flushes < 10 || flushes > 11 {
			t.Errorf("%d flushes in a second, interval 100 ms", flushes)
		}
		time.Sleep(time.Second)
		if got := r.book()["a"]; got != strconv.FormatUint(sequence, 10) {
			t.Errorf("the last value is %s, want %d", got, sequence)
		}
		if r.count-2+r.skips != 1000 {
			t.Errorf("%d delivered and %d conflated of 1000", r.count-2, r.skips)
		}
	})
}

func TestAQuietTopicIsFlushedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		r := receive(t.Context(), attach(t, h, push.AttachRequest{Topics: []push.Topic{"book"}, StateInterval: 10 * time.Second}), 0, nil)
		time.Sleep(11 * time.Second)
		publish(t, h, 1, level(1, "book", "a", "1"))
		synctest.Wait()
		if r.book()["a"] != "1" {
			t.Error("the first change after a pause waits")
		}
	})
}

func TestALevelThatIsGoneNeverSurvivesHoweverFarAStreamIsBehind(t *testing.T) {
	for _, churn := range []int{10, 60, 70, 500, 5000} {
		synctest.Test(t, func(t *testing.T) {
			h := start(t, push.Config{SendTimeout: time.Hour, AckTimeout: -1, StreamAge: -1})
			want := map[string]string{}
			sequence := uint64(0)
			set := func(key, value string) {
				sequence++
				if want[key] = value; value == "" {
					delete(want, key)
				}
				publish(t, h, sequence, level(sequence, "book", key, value))
			}
			for i := range churn {
				set(fmt.Sprint("old", i), "1")
			}
			var gate chan struct{} // Read and written only while no send runs.
			r := receive(t.Context(), attach(t, h, push.AttachRequest{After: sequence, Topics: []push.Topic{"book"}}), 0, func() {
				if gate != nil {
					<-gate
				}
			})
			time.Sleep(time.Second)
			synctest.Wait()
			if !maps.Equal(r.book(), want) {
				t.Fatal("not whole")
			}
			gate = make(chan struct{})
			set("first", "1") // Its send blocks; the stream falls behind.
			time.Sleep(time.Second)
			for i := range churn {
				set(fmt.Sprint("old", i), "")
			}
			for i := range churn / 2 {
				set(fmt.Sprint("new", i), "1")
				set(fmt.Sprint("new", i), "")
			}
			set("last", "1")
			close(gate)
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := r.book(); !maps.Equal(got, want) {
				t.Errorf("churn %d: %d levels, want %v", churn, len(got), want)
			}
		})
	}
}

func TestAResubscribedTopicBeginsWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		r := receive(t.Context(), attach(t, h, push.AttachRequest{Topics: []push.Topic{"book"}}), 0, nil)
		publish(t, h, 1, level(1, "book", "a", "1"), level(1, "book", "b", "1"))
		time.Sleep(time.Second)
		if err := h.Subscribe("c", "alice", nil, []push.Topic{"book"}, nil); err != nil {
			t.Fatal(err)
		}
		publish(t, h, 2, level(2, "book", "a", ""))
		time.Sleep(time.Second)
		if got := r.book(); len(got) != 2 {
			t.Errorf("a topic that is not subscribed changed: %v", got)
		}
		if err := h.Subscribe("c", "alice", []push.Topic{"book"}, nil, nil); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		if got := r.book(); !maps.Equal(got, map[string]string{"b": "1"}) {
			t.Errorf("after subscribing again: %v", got)
		}
	})
}

func TestStateTooBigForOneResponseArrivesWholeInSeveral(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		value := string(make([]byte, 10<<10))
		var seed []*push.Message
		for i := range 200 {
			seed = append(seed, level(1, "book", strconv.Itoa(i), value))
		}
		if err := h.Seed(1, seed); err != nil {
			t.Fatal(err)
		}
		r := receive(t.Context(), attach(t, h, push.AttachRequest{After: 1, Topics: []push.Topic{"book"}}), 0, nil)
		synctest.Wait()
		if n := len(r.book()); n != 200 || r.skips != 0 {
			t.Errorf("%d levels, %d conflated", n, r.skips)
		}
		if n := len(r.snapshot().Responses); n < 8 || n > 10 {
			t.Errorf("2 MB of state came in %d responses", n)
		}
	})
}

// counting is the content of a message, and how often it was encoded.
type counting struct {
	text  string
	times *atomic.Int32
}

func (c *counting) Encode() []byte {
	c.times.Add(1)
	return []byte(c.text)
}

func TestStateIsEncodedOnceForAllAndOnlyWhenTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		var encoded []*atomic.Int32
		deferred := func(text string) *push.Message {
			content := &counting{text: text, times: &atomic.Int32{}}
			encoded = append(encoded, content.times)
			m := &push.Message{Sequence: 1, Topic: "book", Key: "a", Deferred: &push.Deferred{}}
			m.Deferred.Set(content)
			return m
		}
		for range 3 {
			publish(t, h, h.Published()+1, deferred(strconv.Itoa(len(encoded)+1)))
		}
		var receivers []*receiver
		for i := range 20 {
			receivers = append(receivers, receive(t.Context(), attach(t, h, push.AttachRequest{
				Connection: strconv.Itoa(i), After: h.Published(), Topics: []push.Topic{"book"},
			}), 0, nil))
		}
		synctest.Wait()
		for _, r := range receivers {
			if got := r.book()["a"]; got != "3" {
				t.Errorf("a stream holds %q, want the latest", got)
			}
		}
		for i, want := range []int32{0, 0, 1} {
			if got := encoded[i].Load(); got != want {
				t.Errorf("value %d was encoded %d times, want %d", i+1, got, want)
			}
		}
	})
}

func TestInterestRisesWhenATopicGainsItsFirstOrLosesItsLastSubscriber(t *testing.T) {
	h := start(t, push.Config{})
	want := func(what string, rose, subscribed bool, do func()) {
		t.Helper()
		before := h.Interest()
		do()
		if got := h.Interest() > before; got != rose {
			t.Errorf("%s: interest rose: %v", what, got)
		}
		if got := h.Subscribed("x"); got != subscribed {
			t.Errorf("%s: subscribed: %v", what, got)
		}
	}
	var first, second *push.Stream
	request := func(connection string) push.AttachRequest {
		return push.AttachRequest{Connection: connection, Topics: []push.Topic{"x"}}
	}
	want("nothing", false, false, func() {})
	want("state", false, false, func() { publish(t, h, 1, level(1, "x", "k", "v")) })
	want("first", true, true, func() { r := request("1"); r.After = 1; first = attach(t, h, r) })
	want("second", false, true, func() { r := request("2"); r.After = 1; second = attach(t, h, r) })
	want("one goes", false, true, func() { first.Close() })
	want("both are gone", true, false, func() { second.Close() })
}

func TestPublicationsHandedOverTogetherArriveAsThoughOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := start(t, push.Config{})
		r := receive(t.Context(), attach(t, h, push.AttachRequest{Topics: []push.Topic{"x"}}), 0, nil)
		var all []push.Publication
		for sequence := uint64(1); sequence <= 100; sequence++ {
			p := push.Publication{Sequence: sequence}
			if sequence%3 != 0 {
				p.Messages = []*push.Message{event(sequence, 0, "x", 1), event(sequence, 1, "x", 1)}
			}
			all = append(all, p)
		}
		if err := h.Publish(all...); err != nil {
			t.Fatal(err)
		}
		if err := h.Publish(all[99]); !errors.Is(err, push.ErrOutOfOrder) {
			t.Errorf("the same again: %v", err)
		}
		synctest.Wait()
		events := 0
		for _, response := range r.snapshot().Responses {
			events += len(response.Events)
		}
		if want := 2 * 67; events != want {
			t.Errorf("%d events arrived, want %d", events, want)
		}
		if got := r.cursor(); got != 100 {
			t.Errorf("the cursor stands at %d", got)
		}
	})
}
