package trade

import "fmt"

// BasisPoints are hundredths of a percent; 10,000 are 100 %.
type BasisPoints uint32

// Instrument is what can be traded and by which rules. FIX SecurityDefinition.
type Instrument struct {
	Symbol Symbol
	// Name is for people, at most 100 bytes.
	Name     string
	Class    AssetClass
	Currency string
	// TickSize divides every order price. FIX tag 969.
	TickSize Price
	// LotSize divides every order quantity. FIX tag 561.
	LotSize Quantity
	// MinQuantity and MaxQuantity bound one order, both inclusive. FIX tags 562, 1140.
	MinQuantity, MaxQuantity Quantity
	// LowLimitPrice and HighLimitPrice are the day's hard price limits, inclusive;
	// a zero HighLimitPrice means none. FIX tags 1148, 1149.
	LowLimitPrice, HighLimitPrice Price
	// Band is how far from the reference price a limit order may be and a market
	// order may trade; zero means no band. FIX tag 1306 (PriceLimitType percent).
	Band BasisPoints
	// ReferencePrice is the price from which the band is measured until the next trade
	// after it was set. FIX tag 1150.
	ReferencePrice Price
	// ReferenceAfter is the newest trade of the venue when ReferencePrice was set; zero if
	// there was none. The engine sets it.
	ReferenceAfter TradeID
	// Disclose says that each side of a trade learns the other's account.
	Disclose bool
	Status   TradingStatus
	// StatusReason explains the status to people; may be empty.
	StatusReason string
}

// Validate returns a [*Refusal] that names the field that is wrong, or nil.
func (i *Instrument) Validate() error {
	if err := i.Symbol.Validate(); err != nil {
		return Refuse(ReasonBadName, "instrument.symbol", err.Error())
	}
	for _, text := range []struct {
		field, value string
		most         int
	}{
		{"instrument.name", i.Name, 100},
		{"instrument.currency", i.Currency, 12},
		{"instrument.status_reason", i.StatusReason, MaxText},
	} {
		if len(text.value) > text.most {
			return Refuse(ReasonBadText, text.field, fmt.Sprintf("at most %d bytes", text.most))
		}
		if err := ValidateText(text.value); err != nil {
			return Refuse(ReasonBadText, text.field, err.Error())
		}
	}
	switch {
	case i.Class <= AssetClassUnspecified || i.Class >= AssetClassCount:
		return Refuse(ReasonBadEnum, "instrument.asset_class", "choose FX, FUTURE or EQUITY")
	case i.Status <= TradingStatusUnspecified || i.Status >= TradingStatusCount:
		return Refuse(ReasonBadEnum, "instrument.status", "choose PRE_OPEN, OPEN, HALTED or CLOSED")
	case i.TickSize <= 0:
		return Refuse(ReasonBadPrice, "instrument.tick_size", "a tick is greater than zero")
	case i.LotSize <= 0:
		return Refuse(ReasonBadQuantity, "instrument.lot_size", "a lot is greater than zero")
	case i.MinQuantity <= 0 || i.MinQuantity%i.LotSize != 0:
		return Refuse(ReasonBadQuantity, "instrument.min_quantity", "a positive multiple of the lot size "+i.LotSize.String())
	case i.MaxQuantity < i.MinQuantity || i.MaxQuantity%i.LotSize != 0:
		return Refuse(ReasonBadQuantity, "instrument.max_quantity", "a multiple of the lot size, not below min_quantity")
	case i.LowLimitPrice < 0 || i.LowLimitPrice%i.TickSize != 0:
		return Refuse(ReasonBadPrice, "instrument.low_limit_price", "a multiple of the tick size, not negative")
	case i.HighLimitPrice < 0 || i.HighLimitPrice%i.TickSize != 0 || i.HighLimitPrice != 0 && i.HighLimitPrice < i.LowLimitPrice:
		return Refuse(ReasonBadPrice, "instrument.high_limit_price", "a multiple of the tick size, not below low_limit_price, or empty")
	case i.ReferencePrice < 0:
		return Refuse(ReasonBadPrice, "instrument.reference_price", "not negative")
	case i.Band > 0 && i.ReferencePrice == 0:
		return Refuse(ReasonBadPrice, "instrument.reference_price", "a band needs a reference price")
	case i.Band > 10_000:
		return Refuse(ReasonBadNumber, "instrument.band_basis_points", "at most 10,000")
	}
	return nil
}

// CheckPrice returns a [*Refusal] when no order of this instrument can have this
// price: not positive or off the tick. The engine checks bands, because they move.
func (i *Instrument) CheckPrice(field string, p Price) error {
	switch {
	case p <= 0:
		return Refuse(ReasonBadPrice, field, "a price is greater than zero")
	case p%i.TickSize != 0:
		return Refuse(ReasonOffTick, field, "the tick size of "+string(i.Symbol)+" is "+i.TickSize.String())
	}
	return nil
}

// CheckQuantity returns a [*Refusal] when no order of this instrument can have
// this quantity: not positive, off the lot, or outside the limits.
func (i *Instrument) CheckQuantity(field string, q Quantity) error {
	switch {
	case q <= 0:
		return Refuse(ReasonBadQuantity, field, "a quantity is greater than zero")
	case q%i.LotSize != 0:
		return Refuse(ReasonOffLot, field, "the lot size of "+string(i.Symbol)+" is "+i.LotSize.String())
	case q < i.MinQuantity || q > i.MaxQuantity:
		return Refuse(ReasonQuantityRange, field, "an order for "+string(i.Symbol)+" is from "+i.MinQuantity.String()+" to "+i.MaxQuantity.String())
	}
	return nil
}
