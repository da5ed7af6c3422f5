package record

import (
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"todoku/trade"
)

// withUnknown adds fields of every wire type, with numbers that no version uses, to a
// message and to all messages inside it.
func withUnknown[M proto.Message](m M) M {
	var extra []byte
	extra = protowire.AppendTag(extra, 500, protowire.VarintType)
	extra = protowire.AppendVarint(extra, 1<<40)
	extra = protowire.AppendTag(extra, 501, protowire.BytesType)
	extra = protowire.AppendString(extra, "later")
	extra = protowire.AppendTag(extra, 502, protowire.Fixed32Type)
	extra = protowire.AppendFixed32(extra, 1)
	extra = protowire.AppendTag(extra, 503, protowire.Fixed64Type)
	extra = protowire.AppendFixed64(extra, 1)
	eachMessage(m.ProtoReflect(), func(m protoreflect.Message) { m.SetUnknown(extra) })
	return m
}

// withoutUnknown drops them, and adds the empty messages that this package always
// writes, so that only the content is compared.
func withoutUnknown[M proto.Message](m M) M {
	eachMessage(m.ProtoReflect(), func(m protoreflect.Message) {
		m.SetUnknown(nil)
		fields := m.Descriptor().Fields()
		for i := range fields.Len() {
			field := fields.Get(i)
			if field.Message() != nil && !field.IsList() && field.ContainingOneof() == nil && !m.Has(field) {
				m.Set(field, m.NewField(field))
			}
		}
	})
	return m
}

func eachMessage(m protoreflect.Message, do func(protoreflect.Message)) {
	do(m)
	m.Range(func(field protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case field.Message() == nil:
		case field.IsList():
			for i := range v.List().Len() {
				eachMessage(v.List().Get(i).Message(), do)
			}
		default:
			eachMessage(v.Message(), do)
		}
		return true
	})
}

// typicalTrade is the record of an order that takes another: two reports, the
// trade, one level, two positions.
func typicalTrade() *trade.Record {
	const now = 1_790_000_000_123_456_789
	order := trade.Order{
		ID: 123_456_789, Account: "desk-07", User: "alice", ClientOrderID: "alice-20260917-001234",
		Symbol: "EUR/USD", Side: trade.SideBuy, Type: trade.OrderTypeLimit, TimeInForce: trade.TimeInForceDay,
		SelfTrade: trade.SelfTradeCancelTaker, Price: 108_765_000, Quantity: 100_000_000_000,
		Filled: 100_000_000_000, Status: trade.OrderStatusFilled, Entered: now, Updated: now,
	}
	maker := order
	maker.ID, maker.Account, maker.User, maker.ClientOrderID = 123_456_700, "desk-11", "bob", "bob-20260917-004321"
	maker.Side = trade.SideSell
	party := func(o *trade.Order) trade.Party {
		return trade.Party{Account: o.Account, User: o.User, Order: o.ID, ClientOrderID: o.ClientOrderID}
	}
	report := func(o trade.Order, maker bool) *trade.ExecutionReport {
		return &trade.ExecutionReport{
			Type: trade.ExecTypeTrade, Order: o, Request: o.ClientOrderID, LastPrice: o.Price,
			LastQuantity: o.Quantity, Trade: 55_555_555, Maker: maker,
		}
	}
	position := func(o *trade.Order) *trade.PositionChanged {
		p := trade.Position{Account: o.Account, Symbol: o.Symbol}
		p.Fill(o.Side, o.Price, o.Quantity)
		return &trade.PositionChanged{Position: p}
	}
	return &trade.Record{
		Sequence: 9_876_543, Time: now,
		Command: trade.CommandInfo{
			Kind:        trade.CommandPlaceOrder,
			Actor:       trade.Actor{User: order.User, Account: order.Account, Request: order.ClientOrderID},
			Fingerprint: 0x1234_5678_9abc_def0,
			Answer: trade.Answer{
				Sequence: 9_876_543, Subject: trade.SubjectOrder, ID: uint64(order.ID), Status: order.Status, Filled: order.Filled,
			},
		},
		Events: []trade.Event{
			report(order, false), report(maker, true),
			&trade.TradeChanged{Trade: trade.Trade{
				ID: 55_555_555, Symbol: order.Symbol, Price: order.Price, Quantity: order.Quantity,
				Aggressor: trade.SideBuy, Buyer: party(&order), Seller: party(&maker),
				Status: trade.TradeStatusConcluded, Time: now,
			}},
			&trade.LevelChanged{
				Symbol: order.Symbol, Side: trade.SideSell, Price: order.Price,
				Quantity: 250_000_000_000, Orders: 3, BookVersion: 777_777,
			},
			position(&order), position(&maker),
		},
	}
}
