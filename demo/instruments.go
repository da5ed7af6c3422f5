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
	return &todokuv1.Instrument{
		Symbol: symbol, Name: name, AssetClass: todokuv1.AssetClass_ASSET_CLASS_FX, Currency: currency,
		TickSize: tick, LotSize: "1", MinQuantity: "1", MaxQuantity: "10000000",
		BandBasisPoints: 200, ReferencePrice: reference, DiscloseCounterparty: true,
		Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
	}
}

// future is a contract with hard limits for the day.
func future(symbol, name, currency, tick, reference, low, high string) *todokuv1.Instrument {
	return &todokuv1.Instrument{
		Symbol: symbol, Name: name, AssetClass: todokuv1.AssetClass_ASSET_CLASS_FUTURE, Currency: currency,
		TickSize: tick, LotSize: "1", MinQuantity: "1", MaxQuantity: "1000",
		LowLimitPrice: low, HighLimitPrice: high, BandBasisPoints: 300, ReferencePrice: reference,
		Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
	}
}

// tokyo is a share with round lots of 100 and hard limits for the day.
func tokyo(symbol, name, tick, reference, low, high string) *todokuv1.Instrument {
	return &todokuv1.Instrument{
		Symbol: symbol, Name: name, AssetClass: todokuv1.AssetClass_ASSET_CLASS_EQUITY, Currency: "JPY",
		TickSize: tick, LotSize: "100", MinQuantity: "100", MaxQuantity: "100000",
		LowLimitPrice: low, HighLimitPrice: high, BandBasisPoints: 800, ReferencePrice: reference,
		Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
	}
}

// newYork is a share dealt singly, within a band around the last trade.
func newYork(symbol, name, reference string) *todokuv1.Instrument {
	return &todokuv1.Instrument{
		Symbol: symbol, Name: name, AssetClass: todokuv1.AssetClass_ASSET_CLASS_EQUITY, Currency: "USD",
		TickSize: "0.01", LotSize: "1", MinQuantity: "1", MaxQuantity: "50000",
		BandBasisPoints: 500, ReferencePrice: reference,
		Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
	}
}
