package demo

import (
	todokuv1 "todoku/gen/todoku/v1"
)

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
	return []*todokuv1.Instrument{
		pair("USDJPY", "US dollar / yen", "JPY", "0.001", "151.25"),
		pair("EURUSD", "Euro / US dollar", "USD", "0.00001", "1.0842"),
		pair("EURJPY", "Euro / yen", "JPY", "0.001", "163.985"),
		pair("GBPUSD", "Pound sterling / US dollar", "USD", "0.00001", "1.27155"),
		future("NK225M", "Nikkei 225 mini", "JPY", "5", "39000", "35880", "42120"),
		future("JGBL", "10-year JGB", "JPY", "0.01", "143.5", "141.5", "145.5"),
		future("ES", "E-mini S&P 500", "USD", "0.25", "5800", "5394", "6206"),
		tokyo("7203", "Toyota Motor", "0.5", "2850", "2350", "3350"),
		tokyo("6758", "Sony Group", "1", "3800", "3100", "4500"),
		tokyo("9984", "SoftBank Group", "1", "9400", "7900", "10900"),
		tokyo("7974", "Nintendo", "5", "12000", "9000", "15000"),
		newYork("AAPL", "Apple", "228"),
		newYork("MSFT", "Microsoft", "415"),
	}
}

// pair is a currency pair: dealt between names that know each other.
func pair(symbol, name, currency, tick, reference string) *todokuv1.Instrument {
	i := open(todokuv1.AssetClass_ASSET_CLASS_FX, symbol, name, currency, tick, "1", "10000000", 200, reference)
	i.DiscloseCounterparty = true
	return i
}

// future is a contract with hard limits for the day.
func future(symbol, name, currency, tick, reference, low, high string) *todokuv1.Instrument {
	i := open(todokuv1.AssetClass_ASSET_CLASS_FUTURE, symbol, name, currency, tick, "1", "1000", 300, reference)
	i.LowLimitPrice, i.HighLimitPrice = low, high
	return i
}

// tokyo is a share with round lots of 100 and hard limits for the day.
func tokyo(symbol, name, tick, reference, low, high string) *todokuv1.Instrument {
	i := open(todokuv1.AssetClass_ASSET_CLASS_EQUITY, symbol, name, "JPY", tick, "100", "100000", 800, reference)
	i.LowLimitPrice, i.HighLimitPrice = low, high
	return i
}

// newYork is a share dealt singly, within a band around the last trade.
func newYork(symbol, name, reference string) *todokuv1.Instrument {
	return open(todokuv1.AssetClass_ASSET_CLASS_EQUITY, symbol, name, "USD", "0.01", "1", "50000", 500, reference)
}

// open is an open instrument whose smallest order is one lot.
func open(class todokuv1.AssetClass, symbol, name, currency, tick, lot, most string, band uint32, reference string) *todokuv1.Instrument {
	return &todokuv1.Instrument{
		Symbol: symbol, Name: name, AssetClass: class, Currency: currency, TickSize: tick, LotSize: lot,
		MinQuantity: lot, MaxQuantity: most, BandBasisPoints: band, ReferencePrice: reference,
		Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
	}
}
