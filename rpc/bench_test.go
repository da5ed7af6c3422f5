package rpc

import (
	"fmt"
	"testing"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/trade"
)

// BenchmarkBatch measures a batch of 100 orders without grpc-go and the engine: decoding
// and answering.
func BenchmarkBatch(b *testing.B) {
	const orders = 100
	req := &todokuv1.PlaceOrdersRequest{}
	for i := range orders {
		one := goodOrder()
		one.ClientOrderId = fmt.Sprint("order-", i)
		req.Orders = append(req.Orders, one)
	}
	data, err := proto.Marshal(req)
	if err != nil {
		b.Fatal(err)
	}
	var out []byte
	b.ReportAllocs()
	for b.Loop() {
		var in todokuv1.PlaceOrdersRequest
		if err := proto.Unmarshal(data, &in); err != nil {
			b.Fatal(err)
		}
		sheet, places := newAnswerSheet(orders), make([]trade.PlaceOrder, orders)
		for i, one := range in.GetOrders() {
			if err := decodePlace(one, &places[i]); err != nil {
				b.Fatal(err)
			}
			answer := trade.Answer{Subject: trade.SubjectOrder, ID: uint64(1_000_000 + i), Status: trade.OrderStatusNew, Leaves: places[i].Quantity, Sequence: uint64(2_000_000 + i)}
			sheet.answer(i, places[i].Request, &answer, push.Cursor{Epoch: "0123456789abcdef", Sequence: answer.Sequence})
		}
		if out, err = (proto.MarshalOptions{}).MarshalAppend(out[:0], &todokuv1.PlaceOrdersResponse{Answers: sheet.list}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*orders), "ns/order")
}
