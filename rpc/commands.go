package rpc

import (
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// Conversion of requests to commands. The request's id becomes the actor's; the handler
// fills in the user and the account.

func decodePlace(req *todokuv1.PlaceOrderRequest, c *trade.PlaceOrder) error {
	var d decoder
	*c = trade.PlaceOrder{
		Actor:     trade.Actor{Request: d.request("client_order_id", req.GetClientOrderId())},
		Symbol:    d.symbol("symbol", req.GetSymbol()),
		Side:      choice(&d, "side", req.GetSide(), 0, trade.SideSell),
		Type:      choice(&d, "type", req.GetType(), trade.OrderTypeLimit, trade.OrderTypeMarket),
		PostOnly:  req.GetPostOnly(),
		SelfTrade: choice(&d, "self_trade", req.GetSelfTrade(), trade.SelfTradeCancelTaker, trade.SelfTradeCancelBoth),
		Price:     d.price("price", req.GetPrice()),
		Quantity:  d.quantity("quantity", req.GetQuantity()),
		Expire:    d.nanos("expire_time", req.GetExpireTime()),
		Guard:     d.guard(req.SeenBookVersion, req.GetMaxBookMoves()),
	}
	standard := trade.TimeInForceDay
	if c.Type == trade.OrderTypeMarket {
		standard = trade.TimeInForceIOC
	}
	c.TimeInForce = choice(&d, "time_in_force", req.GetTimeInForce(), standard, trade.TimeInForceFOK)
	return d.err
}

func decodeReplace(req *todokuv1.ReplaceOrderRequest) (*trade.ReplaceOrder, error) {
	var d decoder
	c := &trade.ReplaceOrder{
		Actor:    trade.Actor{Request: d.request("client_order_id", req.GetClientOrderId())},
		Target:   d.orderRef("order_id", req.GetOrderId(), "orig_client_order_id", req.GetOrigClientOrderId()),
		Price:    d.price("price", req.GetPrice()),
		Quantity: d.quantity("quantity", req.GetQuantity()),
		Guard:    d.guard(req.SeenBookVersion, req.GetMaxBookMoves()),
	}
	// An absent value keeps the order's; an explicit zero is a mistake.
	if req.GetPrice() != "" && c.Price <= 0 {
		d.refuse(trade.ReasonBadPrice, "price", "a price is greater than zero; leave it empty to keep it")
	}
	if req.GetQuantity() != "" && c.Quantity <= 0 {
		d.refuse(trade.ReasonBadQuantity, "quantity", "a quantity is greater than zero; leave it empty to keep it")
	}
	if req.GetPrice() == "" && req.GetQuantity() == "" {
		d.refuse(trade.ReasonBadCombination, "price", "give a new price, a new quantity or both")
	}
	return c, d.err
}

func decodeCancel(req *todokuv1.CancelOrderRequest) (*trade.CancelOrder, error) {
	var d decoder
	c := &trade.CancelOrder{
		Actor:  trade.Actor{Request: d.request("client_order_id", req.GetClientOrderId())},
		Target: d.orderRef("order_id", req.GetOrderId(), "orig_client_order_id", req.GetOrigClientOrderId()),
	}
	return c, d.err
}

func decodeMassCancel(req *todokuv1.MassCancelOrdersRequest) (*trade.MassCancel, error) {
	var d decoder
	c := &trade.MassCancel{
		Actor:  trade.Actor{Request: d.request("request_id", req.GetRequestId())},
		Symbol: optional("symbol", req.GetSymbol(), d.symbol),
		Reason: trade.ReasonRequested,
	}
	if req.GetSide() != 0 {
		c.Side = choice(&d, "side", req.GetSide(), 0, trade.SideSell)
	}
	return c, d.err
}

// DecodeInstrument returns the command of a request. The error is a *[trade.Refusal].
func DecodeInstrument(req *todokuv1.UpsertInstrumentRequest) (*trade.UpsertInstrument, error) {
	d := decoder{}
	c := &trade.UpsertInstrument{Actor: trade.Actor{Request: d.request("request_id", req.GetRequestId())}}
	d.prefix = "instrument."
	in := req.GetInstrument()
	c.Instrument = trade.Instrument{
		Symbol:         d.symbol("symbol", in.GetSymbol()),
		Name:           in.GetName(),
		Class:          choice(&d, "asset_class", in.GetAssetClass(), 0, trade.AssetClassEquity),
		Currency:       in.GetCurrency(),
		TickSize:       d.price("tick_size", in.GetTickSize()),
		LotSize:        d.quantity("lot_size", in.GetLotSize()),
		MinQuantity:    d.quantity("min_quantity", in.GetMinQuantity()),
		MaxQuantity:    d.quantity("max_quantity", in.GetMaxQuantity()),
		LowLimitPrice:  d.price("low_limit_price", in.GetLowLimitPrice()),
		HighLimitPrice: d.price("high_limit_price", in.GetHighLimitPrice()),
		Band:           trade.BasisPoints(in.GetBandBasisPoints()),
		ReferencePrice: d.price("reference_price", in.GetReferencePrice()),
		Disclose:       in.GetDiscloseCounterparty(),
		Status:         choice(&d, "status", in.GetStatus(), 0, trade.TradingStatusClosed),
		StatusReason:   in.GetStatusReason(),
	}
	if d.err == nil {
		d.err = c.Instrument.Validate()
	}
	return c, d.err
}

func decodeStatus(req *todokuv1.SetTradingStatusRequest) (*trade.SetTradingStatus, error) {
	var d decoder
	c := &trade.SetTradingStatus{
		Actor:  trade.Actor{Request: d.request("request_id", req.GetRequestId())},
		Symbol: d.symbol("symbol", req.GetSymbol()),
		Status: choice(&d, "status", req.GetStatus(), 0, trade.TradingStatusClosed),
		Text:   d.text("reason", req.GetReason(), trade.MaxText),
	}
	return c, d.err
}

func decodeLimits(req *todokuv1.SetRiskLimitsRequest) (*trade.SetLimits, error) {
	d := decoder{}
	c := &trade.SetLimits{Actor: trade.Actor{Request: d.request("request_id", req.GetRequestId())}}
	d.prefix = "limits."
	in := req.GetLimits()
	c.Target = d.account("account", in.GetAccount())
	c.Limits = trade.Limits{
		MaxOrderQuantity:     d.quantity("max_order_quantity", in.GetMaxOrderQuantity()),
		MaxOrderNotional:     d.amount("max_order_notional", in.GetMaxOrderNotional()),
		MaxOpenOrders:        in.GetMaxOpenOrders(),
		Band:                 trade.BasisPoints(in.GetPriceBandBasisPoints()),
		MaxMessagesPerSecond: in.GetMaxMessagesPerSecond(),
	}
	switch {
	case c.Limits.MaxOrderQuantity < 0:
		d.refuse(trade.ReasonBadQuantity, "max_order_quantity", "it must not be negative")
	case c.Limits.MaxOrderNotional.Sign() < 0:
		d.refuse(trade.ReasonBadNumber, "max_order_notional", "it must not be negative")
	case c.Limits.Band > 10_000:
		d.refuse(trade.ReasonBadNumber, "price_band_basis_points", "at most 10,000")
	}
	return c, d.err
}

func decodeAnnounce(req *todokuv1.AnnounceRequest) (*trade.Announce, error) {
	var d decoder
	c := &trade.Announce{
		Actor: trade.Actor{Request: d.request("request_id", req.GetRequestId())},
		Text:  d.text("text", req.GetText(), trade.MaxText),
		To:    list(&d, "users", req.GetUsers(), d.user),
	}
	if c.Text == "" {
		d.refuse(trade.ReasonBadText, "text", "a text is needed")
	}
	return c, d.err
}
