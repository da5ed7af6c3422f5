package record

import (
	"math/rand/v2"
	"reflect"
	"testing"

	"todoku/trade"
)

// events lists an empty event of every kind. TestEveryKindOfEventIsTested holds
// it complete.
func events() []trade.Event {
	return []trade.Event{
		&trade.ExecutionReport{}, &trade.CancelRejected{}, &trade.TradeChanged{}, &trade.LevelChanged{},
		&trade.PositionChanged{}, &trade.InstrumentChanged{}, &trade.UserChanged{}, &trade.PresenceChanged{},
		&trade.LimitsChanged{}, &trade.Announced{}, &trade.VenueChanged{}, &trade.DayEnded{},
	}
}

// highest is the largest value of each type that does not use its whole range.
var highest = map[reflect.Type]uint64{
	reflect.TypeFor[trade.CommandKind]():   trade.CommandKindCount - 1,
	reflect.TypeFor[trade.Side]():          trade.SideCount - 1,
	reflect.TypeFor[trade.OrderType]():     trade.OrderTypeCount - 1,
	reflect.TypeFor[trade.TimeInForce]():   trade.TimeInForceCount - 1,
	reflect.TypeFor[trade.SelfTrade]():     trade.SelfTradeCount - 1,
	reflect.TypeFor[trade.OrderStatus]():   trade.OrderStatusCount - 1,
	reflect.TypeFor[trade.ExecType]():      trade.ExecTypeCount - 1,
	reflect.TypeFor[trade.TradingStatus](): trade.TradingStatusCount - 1,
	reflect.TypeFor[trade.AssetClass]():    trade.AssetClassCount - 1,
	reflect.TypeFor[trade.TradeStatus]():   trade.TradeStatusCount - 1,
	reflect.TypeFor[trade.Subject]():       trade.SubjectCount - 1,
	reflect.TypeFor[trade.Role]():          uint64(trade.RoleAll),
	reflect.TypeFor[trade.Reason]():        uint64(maxReason),
}

// filler gives every field of a value something that is not its zero value, or,
// when sparse, leaves about half of them zero.
type filler struct {
	*rand.Rand
	sparse bool
}

func (f *filler) fill(t testing.TB, v reflect.Value) {
	t.Helper()
	if f.sparse && v.Kind() != reflect.Struct && f.IntN(2) == 0 {
		return
	}
	switch v.Kind() { //nolint:exhaustive // the default refuses the others
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(t, v.Field(i))
		}
		if a, ok := v.Addr().Interface().(*trade.Answer); ok {
			a.Subject = subjectOf(a.ID)
		}
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1+f.IntN(3), 8))
		for i := range v.Len() {
			f.fill(t, v.Index(i))
		}
	case reflect.String:
		v.SetString([]string{"a", "desk-7", "届く", "ACME/USD", "a text that is a good deal longer than the others are"}[f.IntN(5)])
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int8:
		most, ok := highest[v.Type()]
		if !ok {
			t.Fatalf("no highest value is known for %v", v.Type())
		}
		v.SetInt(1 + int64(f.Uint64N(most)))
	case reflect.Int64:
		// All lengths of varint, both signs.
		v.SetInt(f.Int64()>>f.IntN(63)&^1 + 1)
		if f.IntN(2) == 0 {
			v.SetInt(-v.Int())
		}
	case reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		most, ok := highest[v.Type()]
		if !ok {
			most = ^uint64(0) >> (64 - v.Type().Bits())
		}
		v.SetUint(1 + f.Uint64N(most)>>f.IntN(v.Type().Bits()))
	default:
		t.Fatalf("no way to fill a %v", v.Type())
	}
}

func (f *filler) event(t testing.TB, kind trade.Event) trade.Event {
	t.Helper()
	v := reflect.New(reflect.TypeOf(kind).Elem())
	f.fill(t, v.Elem())
	return v.Interface().(trade.Event)
}

func (f *filler) record(t testing.TB) *trade.Record {
	t.Helper()
	r := &trade.Record{Sequence: 1 + f.Uint64N(1<<40), Time: f.Int64N(1 << 60)}
	f.fill(t, reflect.ValueOf(&r.Command).Elem())
	r.Command.Answer.Sequence = r.Sequence
	kinds := events()
	for range f.IntN(8) {
		event := f.event(t, kinds[f.IntN(len(kinds))])
		// What has no last change reads back as changed by the record.
		if last := lastChange(event); last != nil && *last == 0 {
			*last = r.Sequence
		}
		r.Events = append(r.Events, event)
	}
	return r
}

// lastChange returns where an event says what last changed its order or position.
func lastChange(event trade.Event) *uint64 {
	switch e := event.(type) {
	case *trade.ExecutionReport:
		return &e.Order.Sequence
	case *trade.CancelRejected:
		return &e.Order.Sequence
	case *trade.PositionChanged:
		return &e.Position.Sequence
	}
	return nil
}

func (f *filler) snapshot(t testing.TB) *trade.Snapshot {
	t.Helper()
	s := &trade.Snapshot{}
	f.fill(t, reflect.ValueOf(s).Elem())
	return s
}
