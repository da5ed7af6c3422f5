package demo

import (
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// Sizes of ladders and bounds of positions.
const (
	// levels is how many prices a maker quotes on each side: two more than a screen shows,
	// so that ten are left after a taker traded through the best.
	levels = 12
	// takerUnits and makerUnits bound a position in units of the usual size: a taker stops
	// there, a maker quotes only one side.
	takerUnits = 20
	makerUnits = 200
	// span is the distance from the anchor, in ticks, at which drift is the largest.
	span = 100
	// maxDrift bounds the drift, in thousandths.
	maxDrift = 450
)

// quoted is one working order of a ladder.
type quoted struct {
	orderID string // empty when nothing works there
	filled  trade.Quantity
}

// market is the script's state of one instrument. Prices are in ticks.
type market struct {
	symbol string
	tick   trade.Price
	unit   trade.Quantity // the usual size
	half   int64          // half of the spread
	stride int64          // the longest move at once
	anchor int64          // where the fair price returns to
	fair   int64

	maker   int            // the trader who quotes
	held    trade.Quantity // by the maker
	taken   [takers]trade.Quantity
	ladders [2][levels]quoted
	paused  int // turns for which it is skipped
}

// newMarkets returns the markets of [Instruments], which the makers share.
func newMarkets() []*market {
	var all []*market
	for n, i := range Instruments() {
		all = append(all, newMarket(i, n%makers))
	}
	return all
}

// newMarket returns the market of an instrument, whose numbers must be valid.
func newMarket(i *todokuv1.Instrument, maker int) *market {
	tick, _ := trade.ParsePrice(i.GetTickSize())
	reference, _ := trade.ParsePrice(i.GetReferencePrice())
	lot, _ := trade.ParseQuantity(i.GetLotSize())
	m := &market{symbol: i.GetSymbol(), tick: tick, half: 1, stride: 1, anchor: int64(reference / tick), maker: maker}
	m.fair = m.anchor
	switch i.GetAssetClass() {
	case todokuv1.AssetClass_ASSET_CLASS_FX:
		m.unit, m.half, m.stride = 100_000*lot, 2, 3
	case todokuv1.AssetClass_ASSET_CLASS_FUTURE:
		m.unit = 5 * lot
	case todokuv1.AssetClass_ASSET_CLASS_EQUITY, todokuv1.AssetClass_ASSET_CLASS_UNSPECIFIED:
		m.unit = lot
		if lot == trade.Quantity(1e8) { // A lot is one share; the usual size is still a hundred.
			m.unit, m.stride = 100*lot, 2
		}
	}
	return m
}

// ticksAt is the price of a level of a side's ladder; level 0 is the best.
func (m *market) ticksAt(side trade.Side, level int64) int64 {
	if side == trade.SideBuy {
		return m.fair - m.half - level
	}
	return m.fair + m.half + level
}

// rung is the quote at a price. The prices of a ladder have different rungs, and a price
// that leaves it at one end has the rung of the price that joins at the other, so
// following the fair price is one replace.
func (m *market) rung(side trade.Side, ticks int64) *quoted {
	return &m.ladders[side-trade.SideBuy][(ticks%levels+levels)%levels]
}

// wants says whether the maker may buy or sell more.
func (m *market) wants(side trade.Side) bool {
	if side == trade.SideBuy {
		return m.held < makerUnits*m.unit
	}
	return m.held > -makerUnits*m.unit
}

// fill adds a fill to the maker's position.
func (m *market) fill(side trade.Side, quantity trade.Quantity) {
	if side == trade.SideSell {
		quantity = -quantity
	}
	m.held += quantity
}

// drift is added to the chance of an upward move, in thousandths: it leads back to the
// anchor and to a smaller position of the maker.
func (m *market) drift() int {
	pull := (m.anchor-m.fair)*maxDrift/span - int64(m.held/m.unit)
	return int(min(max(pull, -maxDrift), maxDrift))
}
