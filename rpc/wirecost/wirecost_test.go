package wirecost_test

import (
	"bytes"
	"runtime"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/rpc/wirecost"
)

// allocated returns how many bytes a function allocates.
func allocated(run func()) int {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return int(after.TotalAlloc - before.TotalAlloc)
}

// TestTheCostIsWhatDecodingTakes compares the cost with what is allocated, for the smallest
// entries and for real ones.
func TestTheCostIsWhatDecodingTakes(t *testing.T) {
	const limit = 1 << 30
	orders, symbols := &todokuv1.PlaceOrdersRequest{}, &todokuv1.UpdateSubscriptionRequest{Subscription: &todokuv1.Subscription{}}
	for range 1000 {
		orders.Orders = append(orders.Orders, &todokuv1.PlaceOrderRequest{
			ClientOrderId: "an-order-of-a-batch", Symbol: "USDJPY", Quantity: "1000000", Price: "150.125",
		})
		symbols.Subscription.Symbols = append(symbols.Subscription.Symbols, "USDJPY")
	}
	table := wirecost.New(orders.ProtoReflect().Descriptor(), symbols.ProtoReflect().Descriptor(), (&todokuv1.CreateUserRequest{}).ProtoReflect().Descriptor())
	encode := func(m proto.Message) []byte {
		data, err := proto.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	for name, c := range map[string]struct {
		into proto.Message
		data []byte
		over int // The cost may be this many times what is allocated.
	}{
		"a thousand orders":         {&todokuv1.PlaceOrdersRequest{}, encode(orders), 3},
		"a thousand symbols":        {&todokuv1.UpdateSubscriptionRequest{}, encode(symbols), 3},
		"a list in small parts":     {&todokuv1.CreateUserRequest{}, bytes.Repeat([]byte{0x22, 2, 1, 2}, 1<<11), 3},
		"half a million of nothing": {&todokuv1.PlaceOrdersRequest{}, bytes.Repeat([]byte{0x0a, 0}, 1<<18), 3},
	} {
		took := allocated(func() {
			if err := proto.Unmarshal(c.data, c.into); err != nil {
				t.Error(err)
			}
		})
		cost := table.Cost(c.into.ProtoReflect().Descriptor().FullName(), c.data, limit)
		if cost < took/2 || cost > c.over*took { // Slices grow by copying: half of it is garbage.
			t.Errorf("%s: the cost is %d, %d were allocated", name, cost, took)
		}
	}
	text := []byte(`{"orders":[` + strings.Repeat("{},", 1<<16) + `{}]}`)
	took := allocated(func() {
		if err := protojson.Unmarshal(text, &todokuv1.PlaceOrdersRequest{}); err != nil {
			t.Error(err)
		}
	})
	if cost := wirecost.JSON(text); cost < took/2 {
		t.Errorf("JSON: the cost is %d, %d were allocated", cost, took)
	}
}

// TestCountingEndsAtTheLimit has a message with more than it could count in time.
func TestCountingEndsAtTheLimit(t *testing.T) {
	d := (&todokuv1.PlaceOrdersRequest{}).ProtoReflect().Descriptor()
	table := wirecost.New(d)
	data := bytes.Repeat([]byte{0x0a, 0}, 1<<18)
	const limit = 1 << 20
	if cost := table.Cost(d.FullName(), data, limit); cost <= limit || cost > limit+4096 {
		t.Errorf("the cost is %d, want a little above %d", cost, limit)
	}
	if cost := table.Cost(d.FullName(), []byte{0xff}, limit); cost > 1000 {
		t.Errorf("what cannot be decoded costs %d", cost)
	}
	if cost := table.Cost("unknown.Type", data, limit); cost != 2*len(data) {
		t.Errorf("an unknown type costs %d", cost)
	}
}

func BenchmarkCostOfAHundredOrders(b *testing.B) {
	m := &todokuv1.PlaceOrdersRequest{}
	for range 100 {
		m.Orders = append(m.Orders, &todokuv1.PlaceOrderRequest{ClientOrderId: "an-order-of-a-batch", Symbol: "USDJPY", Quantity: "1000000", Price: "150.125"})
	}
	data, err := proto.Marshal(m)
	if err != nil {
		b.Fatal(err)
	}
	d := m.ProtoReflect().Descriptor()
	table := wirecost.New(d)
	for b.Loop() {
		table.Cost(d.FullName(), data, 1<<22)
	}
}
