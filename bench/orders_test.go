package bench

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
)

// market is what Prepare returns, without a venue.
func market() Market {
	m := Market{run: "run"}
	for i := range 4 {
		m.Users = append(m.Users, Credentials{fmt.Sprintf("user-%d", i), "secret"})
	}
	return m
}

func quick(c OrdersConfig) OrdersConfig {
	c.Market, c.Warmup, c.Duration = market(), 20*time.Millisecond, 400*time.Millisecond
	return c
}

// counted repeats a run for longer and longer until it counts an order: where the machine
// is busy, none may be answered between the beginning and the end of a short one.
func counted(run func(time.Duration) (Result, error)) (r Result, err error) {
	for d := 300 * time.Millisecond; d < 20*time.Second; d *= 2 {
		if r, err = run(d); err != nil || r.Orders > 0 {
			break
		}
	}
	return r, err
}

func TestEveryClientSendsEveryOrderOnce(t *testing.T) {
	for _, sender := range []Client{GRPC, Light} {
		for _, batch := range []int{1, 7, 200} {
			for _, rate := range []int{0, 1000 * batch} {
				t.Run(fmt.Sprintf("%s, batch %d, rate %d", sender, batch, rate), func(t *testing.T) {
					var v *fakeVenue
					var began time.Time
					r, err := counted(func(d time.Duration) (Result, error) {
						v, began = &fakeVenue{}, time.Now()
						config := quick(OrdersConfig{Target: Target{Venue: serveFake(t, v)}, Client: sender, Batch: batch, Rate: rate, Connections: 3, InFlight: 5})
						config.Duration = d
						return Orders(t.Context(), config)
					})
					if err != nil {
						t.Fatal(err)
					}
					if r.Orders == 0 || !r.Good() || *r.Lost != 0 {
						t.Errorf("%+v", r)
					}
					// After a pause of the machine late orders follow at once, so only the sum is bounded.
					due := float64(rate)*time.Since(began).Seconds() + float64(3*5*batch)
					sent := map[string]bool{}
					for user, orders := range v.orders {
						for _, o := range orders {
							if sent[o.GetClientOrderId()] {
								t.Fatalf("%s was sent twice", o.GetClientOrderId())
							}
							sent[o.GetClientOrderId()] = true
							if buys := user == "user-0" || user == "user-2"; buys != (o.GetSide() == todokuv1.Side_SIDE_BUY) {
								t.Fatalf("%s sent %v", user, o)
							}
						}
					}
					if rate > 0 && float64(len(sent)) > due {
						t.Errorf("%d orders were sent, %.0f were due", len(sent), due)
					}
				})
			}
		}
	}
}

func TestLostAndDoubledOrdersAreFound(t *testing.T) {
	for _, sender := range []Client{GRPC, Light} {
		v := &fakeVenue{forget: 10, twice: 7}
		r, err := Orders(t.Context(), quick(OrdersConfig{Target: Target{Venue: serveFake(t, v)}, Client: sender}))
		if err != nil {
			t.Fatal(err)
		}
		if *r.Lost != v.count/10 {
			t.Errorf("%s: %d of %d lost orders were found", sender, *r.Lost, v.count/10)
		}
		if *r.Duplicated == 0 || r.Good() {
			t.Errorf("%s: doubled orders were not found", sender)
		}
	}
}

func TestFailedRequestsDoNotCountAsLost(t *testing.T) {
	for _, sender := range []Client{GRPC, Light} {
		r, err := counted(func(d time.Duration) (Result, error) {
			config := quick(OrdersConfig{Target: Target{Venue: serveFake(t, &fakeVenue{refuse: 5})}, Client: sender})
			config.Duration = d
			return Orders(t.Context(), config)
		})
		if err != nil {
			t.Fatal(err)
		}
		if r.Failed == 0 || r.Orders == 0 || *r.Lost != 0 || *r.Duplicated != 0 || !strings.Contains(r.FirstFailure, "not now") {
			t.Errorf("%s: %+v", sender, r)
		}
	}
}

func TestTheLightClientRespectsSmallWindows(t *testing.T) {
	v := &fakeVenue{}
	venue := serveFake(t, v, grpc.InitialWindowSize(65535), grpc.InitialConnWindowSize(65535))
	r, err := Orders(t.Context(), quick(OrdersConfig{Target: Target{Venue: venue}, Client: Light, Batch: 700, InFlight: 20, Connections: 1}))
	if err != nil || r.Orders == 0 || !r.Good() {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestAnUnreachableVenueEndsTheRun(t *testing.T) {
	for _, sender := range []Client{GRPC, Light} {
		config := quick(OrdersConfig{Client: sender})
		config.Target.Venue.Address, config.Target.Venue.Plaintext = "127.0.0.1:1", true
		if _, err := Orders(t.Context(), config); err == nil {
			t.Errorf("%s: no error without a venue", sender)
		}
	}
}

func TestInvalidSettingsAreRefused(t *testing.T) {
	for name, change := range map[string]func(*OrdersConfig){
		"client":     func(c *OrdersConfig) { c.Client = "heavy" },
		"batch":      func(c *OrdersConfig) { c.Batch = maxBatch + 1 },
		"in flight":  func(c *OrdersConfig) { c.InFlight = -1 },
		"duration":   func(c *OrdersConfig) { c.Duration = time.Hour },
		"rate":       func(c *OrdersConfig) { c.Rate = -1 },
		"users":      func(c *OrdersConfig) { c.Market.Users = c.Market.Users[:1] },
		"connection": func(c *OrdersConfig) { c.Connections = -1 },
	} {
		config := quick(OrdersConfig{})
		change(&config)
		if _, err := Orders(t.Context(), config); !errors.Is(err, ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestTheLightClientWritesWhatGeneratedCodeWrites(t *testing.T) {
	for _, size := range []int{1, 3} {
		l := &lane{index: 2, batch: size, market: market()}
		for n := range uint64(40) {
			r := request{first: n * uint64(size), size: size, side: todokuv1.Side(1 + n%2)}
			want := &todokuv1.PlaceOrdersRequest{}
			for i := range size {
				want.Orders = append(want.Orders, l.order(&r, r.first+uint64(i)))
			}
			got := &todokuv1.PlaceOrdersRequest{}
			target := proto.Message(got)
			if size == 1 {
				got.Orders = []*todokuv1.PlaceOrderRequest{{}}
				target = got.GetOrders()[0]
			}
			if err := proto.Unmarshal(l.appendRequest(nil, &r), target); err != nil {
				t.Fatal(err)
			}
			if !proto.Equal(got, want) {
				t.Fatalf("wrote\n%v\nwant\n%v", got, want)
			}
		}
	}
}

func TestTheLightClientReadsWhatGeneratedCodeReads(t *testing.T) {
	reply := &todokuv1.PlaceOrdersResponse{Answers: []*todokuv1.OrderAnswer{
		{OrderId: "18446744073709551615", Status: todokuv1.OrderStatus_ORDER_STATUS_FILLED, Sequence: 7, Cursor: "e:7"},
		{OrderId: "3", Status: todokuv1.OrderStatus_ORDER_STATUS_REJECTED, Reason: &todokuv1.Reason{Code: 403}, Cursor: "e:8"},
		{Reason: &todokuv1.Reason{Code: 102}, Field: "price"},
	}}
	encoded, err := proto.Marshal(reply)
	if err != nil {
		t.Fatal(err)
	}
	answers, cursor, err := readAnswers(encoded, 3)
	if err != nil || string(cursor) != "e:8" {
		t.Fatalf("cursor %q, %v", cursor, err)
	}
	for i, a := range reply.GetAnswers() {
		if answers[i] != answerOf(a) {
			t.Errorf("read %+v of %v", answers[i], a)
		}
	}
	if _, _, err := readAnswers(encoded, 4); !errors.Is(err, errAnswers) {
		t.Errorf("a missing answer gave %v", err)
	}
	if _, _, err := readAnswers(encoded[:len(encoded)-1], 3); err == nil {
		t.Error("a reply that is cut off was read")
	}
}

func TestTheResultsJSONHasThePublishedFields(t *testing.T) {
	v := &fakeVenue{}
	r, err := Orders(t.Context(), quick(OrdersConfig{Target: Target{Venue: serveFake(t, v), PID: os.Getpid()}}))
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"orders_per_second", "server_cpu_seconds_per_million", "p50_ms", "p99_ms", "lost", "duplicated"} {
		if _, ok := fields[name].(float64); !ok {
			t.Errorf("%s is %v in %s", name, fields[name], text)
		}
	}
}
