package rpc

import (
	"bytes"
	"runtime"
	"runtime/metrics"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/mem"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push/grpcpush"
	"todoku/rpc/wirecost"
)

// Fuzzed alone: nothing here needs the other test files of this package.

// requestTypes returns the requests of all methods of the API, in the order of their names.
func requestTypes() (list []protoreflect.MessageType) {
	protoregistry.GlobalFiles.RangeFilesByPackage("todoku.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			methods := file.Services().Get(i).Methods()
			for j := range methods.Len() {
				if t, err := protoregistry.GlobalTypes.FindMessageByName(methods.Get(j).Input().FullName()); err == nil {
					list = append(list, t)
				}
			}
		}
		return true
	})
	slices.SortFunc(list, func(a, b protoreflect.MessageType) int {
		return strings.Compare(string(a.Descriptor().FullName()), string(b.Descriptor().FullName()))
	})
	return list
}

// longestFuzzed bounds the requests, so that many can be tried: what multiplies does so in
// short ones too.
const longestFuzzed = 4 << 10

// estimate returns about how many bytes the process has allocated so far. It is cheap, and
// may be late by the small allocations of some other time.
func estimate() uint64 {
	sample := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(sample)
	return sample[0].Value.Uint64()
}

// exactly returns how many bytes run allocates: the least of three times, because other
// goroutines of the process allocate too.
func exactly(run func()) uint64 {
	least := ^uint64(0)
	for range 3 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		run()
		runtime.ReadMemStats(&after)
		least = min(least, after.TotalAlloc-before.TotalAlloc)
	}
	return least
}

// FuzzBothDoorsDecodeWithinTheirMemory decodes requests as the doors do. What is refused
// allocates almost nothing, and nothing allocates more than its cost was counted to be, some
// garbage included. No cost is above maxCost.
func FuzzBothDoorsDecodeWithinTheirMemory(f *testing.F) {
	types := requestTypes()
	s := &Server{options: Options{}.withDefaults(), costs: requestCosts()}
	var trader caller
	trader.User = "alice"
	doors := []struct {
		name   string
		decode func(m proto.Message, data []byte) error
		cost   func(of protoreflect.FullName, data []byte) int
	}{
		{"gRPC", func(m proto.Message, data []byte) error {
			r := &reading{Message: m, server: s, caller: trader}
			if err := (codec{grpcpush.NewCodec()}).Unmarshal(mem.BufferSlice{mem.SliceBuffer(data)}, r); err != nil {
				return err
			}
			if r.held != nil {
				r.held()
			}
			return r.err
		}, func(of protoreflect.FullName, data []byte) int { return s.costs.Cost(of, data, maxCost) }},
		{"web", func(m proto.Message, data []byte) error {
			return webCodec{costs: s.costs}.Unmarshal(data, m)
		}, func(of protoreflect.FullName, data []byte) int { return s.costs.Cost(of, data, maxCost) }},
		{"web, JSON", func(m proto.Message, data []byte) error {
			return webCodec{costs: s.costs, json: true}.Unmarshal(data, m)
		}, func(_ protoreflect.FullName, data []byte) int { return wirecost.JSON(data) }},
	}
	index := func(m proto.Message) uint8 {
		return uint8(slices.IndexFunc(types, func(t protoreflect.MessageType) bool { return t.Descriptor() == m.ProtoReflect().Descriptor() }))
	}
	add := func(m proto.Message) {
		data, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		text, err := protojson.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(index(m), data)
		f.Add(index(m), text)
	}
	order := &todokuv1.PlaceOrderRequest{ClientOrderId: "a", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Price: "1.5", Quantity: "1000"}
	add(order)
	add(&todokuv1.PlaceOrdersRequest{Orders: []*todokuv1.PlaceOrderRequest{order, {}}})
	add(&todokuv1.FeedNotificationRequest{ConnectionId: "c", Subscription: &todokuv1.Subscription{Symbols: []string{"USDJPY", "*"}}})
	add(&todokuv1.CreateUserRequest{RequestId: "r", Roles: []todokuv1.Role{todokuv1.Role_ROLE_TRADER}, Accounts: []string{"a", "b"}})
	add(&todokuv1.AnnounceRequest{RequestId: "r", Text: "hello", Users: []string{"a", "b"}})
	batch, user, feed := &todokuv1.PlaceOrdersRequest{}, &todokuv1.CreateUserRequest{}, &todokuv1.FeedNotificationRequest{}
	f.Add(index(batch), bytes.Repeat([]byte{0x0a, 0}, 1<<9))
	f.Add(index(batch), []byte(`{"orders":[`+strings.Repeat("{},", 1<<9)+`{}]}`))
	f.Add(index(feed), []byte(`{"subscription":{"symbols":[`+strings.Repeat(`"",`, 1<<9)+`""]}}`))
	f.Add(index(user), []byte(`{"roles":[`+strings.Repeat("1,", 1<<9)+`1]}`))
	f.Add(index(user), bytes.Repeat([]byte{0x22, 2, 1, 2}, 1<<10)) // A list of numbers in small parts.
	f.Add(index(user), bytes.Repeat([]byte{0x2a, 0}, 1<<10))
	f.Add(index(user), bytes.Repeat([]byte{0x0b}, 1<<9)) // Groups in groups.
	f.Add(index(user), []byte(strings.Repeat(`{"x":`, 1<<9)))
	f.Add(index(user), []byte(strings.Repeat(`[`, 1<<9)))
	f.Fuzz(func(t *testing.T, which uint8, data []byte) {
		if len(data) > longestFuzzed {
			return
		}
		of := types[int(which)%len(types)]
		for _, door := range doors {
			cost := door.cost(of.Descriptor().FullName(), data)
			var err error
			decode := func() { err = door.decode(of.New().Interface(), data) }
			before := estimate()
			decode()
			took := estimate() - before
			// Errors have texts, with parts of the data; slices grow by copying.
			bound := 16<<10 + uint64(8*len(data))
			if cost <= maxCost {
				bound += 3 * uint64(cost)
			}
			if took <= bound {
				continue
			}
			if took = exactly(decode); took > bound {
				t.Errorf("%s, %s: %d bytes, whose cost was counted as %d, allocated %d when decoded (%v)",
					door.name, of.Descriptor().FullName(), len(data), cost, took, err)
			}
			if err == nil && cost > maxCost {
				t.Errorf("%s, %s: %d bytes were decoded, whose cost is %d", door.name, of.Descriptor().FullName(), len(data), cost)
			}
		}
	})
}
