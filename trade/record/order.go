package record

import "todoku/trade"

func writeOrder(w *writer, o *trade.Order) {
	w.uint(1, uint64(o.ID))
	writeText(w, 2, o.Account)
	writeText(w, 3, o.User)
	writeText(w, 4, o.ClientOrderID)
	writeText(w, 5, o.Symbol)
	writeEnum(w, 6, o.Side, trade.SideCount)
	writeEnum(w, 7, o.Type, trade.OrderTypeCount)
	writeEnum(w, 8, o.TimeInForce, trade.TimeInForceCount)
	w.bool(9, o.PostOnly)
	writeEnum(w, 10, o.SelfTrade, trade.SelfTradeCount)
	w.int(11, int64(o.Price))
	w.int(12, int64(o.Quantity))
	w.int(13, int64(o.Filled))
	w.int(14, int64(o.Leaves))
	w.int(15, o.Expire)
	writeEnum(w, 16, o.Status, trade.OrderStatusCount)
	w.int(17, o.Entered)
	w.int(18, o.Updated)
	w.lastChange(19, o.Sequence)
	w.displayed(20, o)
	writeText(w, 21, o.Session)
}

func readOrder(r *reader, o *trade.Order) {
	o.Sequence = r.sequence
	shown := false
	for r.next() {
		switch r.field {
		case 1:
			o.ID = trade.OrderID(r.uint())
		case 2:
			o.Account = readText[trade.AccountID](r)
		case 3:
			o.User = readText[trade.UserID](r)
		case 4:
			o.ClientOrderID = r.request()
		case 5:
			o.Symbol = readText[trade.Symbol](r)
		case 6:
			o.Side = readEnum[trade.Side](r, trade.SideCount)
		case 7:
			o.Type = readEnum[trade.OrderType](r, trade.OrderTypeCount)
		case 8:
			o.TimeInForce = readEnum[trade.TimeInForce](r, trade.TimeInForceCount)
		case 9:
			o.PostOnly = r.bool()
		case 10:
			o.SelfTrade = readEnum[trade.SelfTrade](r, trade.SelfTradeCount)
		case 11:
			o.Price = trade.Price(r.int())
		case 12:
			o.Quantity = trade.Quantity(r.int())
		case 13:
			o.Filled = trade.Quantity(r.int())
		case 14:
			o.Leaves = trade.Quantity(r.int())
		case 15:
			o.Expire = r.int()
		case 16:
			o.Status = readEnum[trade.OrderStatus](r, trade.OrderStatusCount)
		case 17:
			o.Entered = r.int()
		case 18:
			o.Updated = r.int()
		case 19:
			o.Sequence = r.uint()
		case 20:
			o.Displayed, shown = trade.Quantity(r.int()), true
		case 21:
			o.Session = r.text()
		default:
			r.skip()
		}
	}
	if !shown {
		o.Displayed = o.Leaves
	}
}

func writeReport(w *writer, e *trade.ExecutionReport) {
	writeEnum(w, 1, e.Type, trade.ExecTypeCount)
	start := w.open(2)
	writeOrder(w, &e.Order)
	w.close(start)
	writeText(w, 3, e.Request)
	w.reason(4, e.Reason)
	w.int(5, int64(e.LastPrice))
	w.int(6, int64(e.LastQuantity))
	w.uint(7, uint64(e.Trade))
	w.bool(8, e.Maker)
	writeText(w, 9, e.Counterparty)
}

func readReport(r *reader, e *trade.ExecutionReport) {
	for r.next() {
		switch r.field {
		case 1:
			e.Type = readEnum[trade.ExecType](r, trade.ExecTypeCount)
		case 2:
			rest := r.open()
			readOrder(r, &e.Order)
			r.close(rest)
		case 3:
			e.Request = r.request()
		case 4:
			e.Reason = r.reason()
		case 5:
			e.LastPrice = trade.Price(r.int())
		case 6:
			e.LastQuantity = trade.Quantity(r.int())
		case 7:
			e.Trade = trade.TradeID(r.uint())
		case 8:
			e.Maker = r.bool()
		case 9:
			e.Counterparty = readText[trade.AccountID](r)
		default:
			r.skip()
		}
	}
}

func writeCancelRejected(w *writer, e *trade.CancelRejected) {
	start := w.open(1)
	writeOrder(w, &e.Order)
	w.close(start)
	writeText(w, 2, e.Request)
	w.reason(3, e.Reason)
}

func readCancelRejected(r *reader, e *trade.CancelRejected) {
	for r.next() {
		switch r.field {
		case 1:
			rest := r.open()
			readOrder(r, &e.Order)
			r.close(rest)
		case 2:
			e.Request = r.request()
		case 3:
			e.Reason = r.reason()
		default:
			r.skip()
		}
	}
}
