package trade_test

import (
	"errors"
	"strings"
	"testing"

	"todoku/trade"
)

func instrument() trade.Instrument {
	return trade.Instrument{
		Symbol: "EUR/USD", Name: "Euro in US dollars", Class: trade.AssetClassFX, Currency: "USD",
		TickSize: 500, LotSize: 100_000_000, MinQuantity: 100_000_000, MaxQuantity: 1_000_000_000_000,
		LowLimitPrice: 50_000_000, HighLimitPrice: 200_000_000, Band: 500, ReferencePrice: 110_000_000,
		Status: trade.TradingStatusOpen,
	}
}

func TestInstrumentsAreRefusedFieldByField(t *testing.T) {
	good := instrument()
	if err := good.Validate(); err != nil {
		t.Fatalf("a good instrument is refused: %v", err)
	}
	for name, c := range map[string]struct {
		field  string
		reason trade.Reason
		spoil  func(*trade.Instrument)
	}{
		"no symbol":         {"instrument.symbol", trade.ReasonBadName, func(i *trade.Instrument) { i.Symbol = "" }},
		"long name":         {"instrument.name", trade.ReasonBadText, func(i *trade.Instrument) { i.Name = strings.Repeat("x", 101) }},
		"name with control": {"instrument.name", trade.ReasonBadText, func(i *trade.Instrument) { i.Name = "\x1b" }},
		"long currency":     {"instrument.currency", trade.ReasonBadText, func(i *trade.Instrument) { i.Currency = "much too long" }},
		"long reason": {"instrument.status_reason", trade.ReasonBadText, func(i *trade.Instrument) {
			i.StatusReason = strings.Repeat("x", trade.MaxText+1)
		}},
		"no class":            {"instrument.asset_class", trade.ReasonBadEnum, func(i *trade.Instrument) { i.Class = 0 }},
		"unknown class":       {"instrument.asset_class", trade.ReasonBadEnum, func(i *trade.Instrument) { i.Class = 100 }},
		"no status":           {"instrument.status", trade.ReasonBadEnum, func(i *trade.Instrument) { i.Status = 0 }},
		"no tick":             {"instrument.tick_size", trade.ReasonBadPrice, func(i *trade.Instrument) { i.TickSize = 0 }},
		"no lot":              {"instrument.lot_size", trade.ReasonBadQuantity, func(i *trade.Instrument) { i.LotSize = -1 }},
		"least off the lot":   {"instrument.min_quantity", trade.ReasonBadQuantity, func(i *trade.Instrument) { i.MinQuantity++ }},
		"no least":            {"instrument.min_quantity", trade.ReasonBadQuantity, func(i *trade.Instrument) { i.MinQuantity = 0 }},
		"most below least":    {"instrument.max_quantity", trade.ReasonBadQuantity, func(i *trade.Instrument) { i.MaxQuantity = 0 }},
		"low off the tick":    {"instrument.low_limit_price", trade.ReasonBadPrice, func(i *trade.Instrument) { i.LowLimitPrice++ }},
		"high below low":      {"instrument.high_limit_price", trade.ReasonBadPrice, func(i *trade.Instrument) { i.HighLimitPrice = 500 }},
		"negative reference":  {"instrument.reference_price", trade.ReasonBadPrice, func(i *trade.Instrument) { i.ReferencePrice = -1 }},
		"band without centre": {"instrument.reference_price", trade.ReasonBadPrice, func(i *trade.Instrument) { i.ReferencePrice = 0 }},
		"wide band":           {"instrument.band_basis_points", trade.ReasonBadNumber, func(i *trade.Instrument) { i.Band = 10_001 }},
	} {
		i := instrument()
		c.spoil(&i)
		wantRefusal(t, name, i.Validate(), c.field, c.reason)
	}
}

func TestPricesAndQuantitiesMustFitTheInstrument(t *testing.T) {
	i := instrument()
	for price, want := range map[trade.Price]trade.Reason{
		500: 0, 110_000_000: 0, 0: trade.ReasonBadPrice, -500: trade.ReasonBadPrice, 501: trade.ReasonOffTick,
	} {
		wantRefusal(t, "price "+price.String(), i.CheckPrice("price", price), "price", want)
	}
	for quantity, want := range map[trade.Quantity]trade.Reason{
		100_000_000: 0, 1_000_000_000_000: 0, 0: trade.ReasonBadQuantity, -100_000_000: trade.ReasonBadQuantity,
		100_000_001: trade.ReasonOffLot, 1_000_100_000_000: trade.ReasonQuantityRange,
	} {
		wantRefusal(t, "quantity "+quantity.String(), i.CheckQuantity("quantity", quantity), "quantity", want)
	}
}

// wantRefusal expects no error when the reason is none.
func wantRefusal(t *testing.T, name string, err error, field string, reason trade.Reason) {
	t.Helper()
	if reason == trade.ReasonNone {
		if err != nil {
			t.Errorf("%s is refused: %v", name, err)
		}
		return
	}
	var refusal *trade.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != reason || refusal.Field != field || refusal.Detail == "" {
		t.Errorf("%s: %v; want %s of %s with a detail", name, err, reason, field)
	}
}
