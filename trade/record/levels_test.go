package record

import (
	"reflect"
	"testing"

	"todoku/trade"
)

// shown is a state whose orders display less than they have left.
func shown() *trade.Snapshot {
	order := func(id trade.OrderID, side trade.Side, price trade.Price, leaves, displayed trade.Quantity) trade.Order {
		return trade.Order{ID: id, Symbol: "USDJPY", Side: side, Price: price, Quantity: leaves, Leaves: leaves, Displayed: displayed}
	}
	return &trade.Snapshot{
		Instruments: []trade.InstrumentState{{
			Instrument: trade.Instrument{Symbol: "USDJPY"},
			Levels: trade.Levels{
				Bids:   []trade.Level{{Price: 9, Quantity: 15, Orders: 2}, {Price: 8, Quantity: 3, Orders: 1}},
				Offers: []trade.Level{{Price: 11, Quantity: 4, Orders: 1}},
			},
		}},
		Orders: []trade.Order{
			order(1, trade.SideBuy, 9, 10, 10), order(2, trade.SideBuy, 9, 50, 5), order(3, trade.SideBuy, 8, 3, 3),
			order(4, trade.SideSell, 11, 4, 4), order(5, trade.SideSell, 12, 7, 0),
		},
	}
}

func TestASnapshotKeepsDisplayedLevels(t *testing.T) {
	want := shown()
	data, err := EncodeSnapshot(want)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := DecodeSnapshot(data); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("read %+v, %v, want %+v", got, err, want)
	}
}

// TestOrdersOfAnEarlierSnapshotAreFullyDisplayed removes what that version
// did not write.
func TestOrdersOfAnEarlierSnapshotAreFullyDisplayed(t *testing.T) {
	m := snapshotMessage(t, shown())
	for _, i := range m.GetInstruments() {
		i.Levels = nil
	}
	for _, o := range m.GetOrders() {
		o.Displayed = nil
	}
	got, err := DecodeSnapshot(marshal(t, m))
	if err != nil {
		t.Fatal(err)
	}
	want := trade.Levels{
		Bids:   []trade.Level{{Price: 9, Quantity: 60, Orders: 2}, {Price: 8, Quantity: 3, Orders: 1}},
		Offers: []trade.Level{{Price: 11, Quantity: 4, Orders: 1}, {Price: 12, Quantity: 7, Orders: 1}},
	}
	if levels := got.Instruments[0].Levels; !reflect.DeepEqual(levels, want) {
		t.Errorf("levels %+v, want %+v", levels, want)
	}
	for _, o := range got.Orders {
		if o.Displayed != o.Leaves {
			t.Errorf("order %d shows %v of %v", o.ID, o.Displayed, o.Leaves)
		}
	}
}

// TestABookThatShowsNothingStaysEmpty has one order, which does not rest.
func TestABookThatShowsNothingStaysEmpty(t *testing.T) {
	s := shown()
	s.Orders, s.Instruments[0].Levels = s.Orders[4:], trade.Levels{}
	data, err := EncodeSnapshot(s)
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeSnapshot(data)
	if err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("read %+v, %v, want %+v", got, err, s)
	}
}
