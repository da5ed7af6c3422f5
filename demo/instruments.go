package demo

import todokuv1 "todoku/gen/todoku/v1"

// Instruments returns what the demo venue trades, open, with the rules of the real
// markets where those are public. The caller owns the values.
//
// Ticks and limits: currency pairs have the tenth of a pip that banks quote.
// Shares of Tokyo have the tick sizes and daily limits that the exchange's table
// names for their price (TOPIX 500 constituents); those of New York have the cent
// of SEC rule 612. The futures have those of Osaka (JPX) and Chicago (CME).
// Prices are invented. A quantity is a unit of the base currency, a share or a
// contract.
func Instruments() []*todokuv1.Instrument {
	pair := segment{todokuv1.AssetClass_ASSET_CLASS_FX, "1", "10000000", 200}
	future := segment{todokuv1.AssetClass_ASSET_CLASS_FUTURE, "1", "1000", 300}
	tokyo := segment{todokuv1.AssetClass_ASSET_CLASS_EQUITY, "100", "100000", 800}
	newYork := segment{todokuv1.AssetClass_ASSET_CLASS_EQUITY, "1", "50000", 500}
	return []*todokuv1.Instrument{
		pair.open("USDJPY", "US dollar / yen", "JPY", "0.001", "151.25"),
		pair.open("EURUSD", "Euro / US dollar", "USD", "0.00001", "1.0842"),
		pair.open("EURJPY", "Euro / yen", "JPY", "0.001", "163.985"),
		pair.open("GBPUSD", "Pound sterling / US dollar", "USD", "0.00001", "1.27155"),
		future.open("NK225M", "Nikkei 225 mini", "JPY", "5", "39000", "35880", "42120"),
		future.open("JGBL", "10-year JGB", "JPY", "0.01", "143.5", "141.5", "145.5"),
		future.open("ES", "E-mini S&P 500", "USD", "0.25", "5800", "5394", "6206"),
		tokyo.open("7203", "Toyota Motor", "JPY", "0.5", "2850", "2350", "3350"),
		tokyo.open("6758", "Sony Group", "JPY", "1", "3800", "3100", "4500"),
		tokyo.open("9984", "SoftBank Group", "JPY", "1", "9400", "7900", "10900"),
		tokyo.open("7974", "Nintendo", "JPY", "5", "12000", "9000", "15000"),
		newYork.open("AAPL", "Apple", "USD", "0.01", "228"),
		newYork.open("MSFT", "Microsoft", "USD", "0.01", "415"),
	}
}

// segment is what instruments of one market have in common. The smallest order is one lot.
type segment struct {
	class     todokuv1.AssetClass
	lot, most string
	band      uint32 // basis points
}

// open returns an open instrument. The limits of its price, if any, are low and high. The
// parties of a trade in a currency pair are shown to each other.
func (s segment) open(symbol, name, currency, tick, reference string, limits ...string) *todokuv1.Instrument {
	limits = append(limits, "", "")
	return &todokuv1.Instrument{
		Symbol: symbol, Name: name, AssetClass: s.class, Currency: currency, TickSize: tick, LotSize: s.lot,
		MinQuantity: s.lot, MaxQuantity: s.most, BandBasisPoints: s.band, ReferencePrice: reference,
		LowLimitPrice: limits[0], HighLimitPrice: limits[1], Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
		DiscloseCounterparty: s.class == todokuv1.AssetClass_ASSET_CLASS_FX,
	}
}
