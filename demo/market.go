package demo

import (
	"fmt"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// Ladders and the bounds of what demo traders hold.
const (
	// levels is how many prices a maker quotes on each side; two more than a
	// screen shows, so that ten are left when a taker went through the best.
	levels = 12
	// takerUnits and makerUnits bound what one trader holds of an instrument, in
	// units of the usual size: a taker stops there, a maker quotes one side only.
	takerUnits = 20
	makerUnits = 200
	// span is how many ticks from its anchor a fair price is surely called back.
	span = 100
	// maxDrift bounds how far chance is bent, in thousandths.
	maxDrift = 450
)

// quoted is one working order of a ladder.
type quoted struct {
	orderID string // empty when nothing works there
	filled  trade.Quantity
}

// market is what the script knows of one instrument. Prices are in ticks.
type market struct {
	symbol string
	tick   trade.Price
	unit   trade.Quantity // the usual size
	half   int64          // half of the spread
	stride int64          // the longest move at once
	anchor int64          // where the fair price is called back to
	fair   int64

	maker   int            // the trader who quotes
	held    trade.Quantity // by the maker
	taken   []trade.Quantity
	ladders [2][levels]quoted
	paused  int // turns for which it is skipped
}

// newMarket reads an instrument that one trader quotes and so many take. The error
// says which of its numbers cannot be read.
func newMarket(i *todokuv1.Instrument, maker, takers int) (*market, error) {
	tick, err := trade.ParsePrice(i.GetTickSize())
	if err != nil || tick <= 0 {
		return nil, fmt.Errorf("demo: tick size of %s: %q", i.GetSymbol(), i.GetTickSize())
	}
	reference, err := trade.ParsePrice(i.GetReferencePrice())
	if err != nil {
		return nil, fmt.Errorf("demo: reference price of %s: %w", i.GetSymbol(), err)
	}
	lot, err := trade.ParseQuantity(i.GetLotSize())
	if err != nil {
		return nil, fmt.Errorf("demo: lot size of %s: %w", i.GetSymbol(), err)
	}
	m := &market{
		symbol: i.GetSymbol(), tick: tick, half: 1, stride: 1, anchor: int64(reference / tick),
		maker: maker, taken: make([]trade.Quantity, takers),
	}
	m.fair = m.anchor
	switch i.GetAssetClass() {
	case todokuv1.AssetClass_ASSET_CLASS_FX:
		m.unit, m.half, m.stride = 100_000*lot, 2, 3
	case todokuv1.AssetClass_ASSET_CLASS_FUTURE:
		m.unit = 5 * lot
	case todokuv1.AssetClass_ASSET_CLASS_EQUITY, todokuv1.AssetClass_ASSET_CLASS_UNSPECIFIED:
		m.unit = lot
		if lot == trade.Quantity(1e8) { // Dealt singly: a hundred shares are usual all the same.
			m.unit, m.stride = 100*lot, 2
		}
	}
	return m, nil
}

// ticksAt is the price of a level of a side's ladder; level 0 is the best.
func (m *market) ticksAt(side trade.Side, level int64) int64 {
	if side == trade.SideBuy {
		return m.fair - m.half - level
	}
	return m.fair + m.half + level
}

// rung is the quote that stands at a price. Twelve neighbouring prices have twelve
// different rungs, and a price that leaves the ladder at one end has the rung of
// the price that joins at the other: following the fair price is one replace.
func (m *market) rung(side trade.Side, ticks int64) *quoted {
	return &m.ladders[side-trade.SideBuy][(ticks%levels+levels)%levels]
}

// wants says whether the maker may still buy or sell.
func (m *market) wants(side trade.Side) bool {
	if side == trade.SideBuy {
		return m.held < makerUnits*m.unit
	}
	return m.held > -makerUnits*m.unit
}

// fill books what the maker traded.
func (m *market) fill(side trade.Side, quantity trade.Quantity) {
	if side == trade.SideSell {
		quantity = -quantity
	}
	m.held += quantity
}

// drift bends the chance of an upward move, in thousandths: back to the anchor,
// and away from the side that others lean on the maker from.
func (m *market) drift() int {
	pull := (m.anchor-m.fair)*maxDrift/span - int64(m.held/m.unit)
	return int(min(max(pull, -maxDrift), maxDrift))
}
