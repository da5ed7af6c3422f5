package record

import "todoku/trade"

func writeParty(w *writer, p *trade.Party) {
	writeText(w, 1, p.Account)
	writeText(w, 2, p.User)
	w.uint(3, uint64(p.Order))
	writeText(w, 4, p.ClientOrderID)
}

func readParty(r *reader, p *trade.Party) {
	for r.next() {
		switch r.field {
		case 1:
			p.Account = readText[trade.AccountID](r)
		case 2:
			p.User = readText[trade.UserID](r)
		case 3:
			p.Order = trade.OrderID(r.uint())
		case 4:
			p.ClientOrderID = r.request()
		default:
			r.skip()
		}
	}
}

func writeTrade(w *writer, t *trade.Trade) {
	w.uint(1, uint64(t.ID))
	writeText(w, 2, t.Symbol)
	w.int(3, int64(t.Price))
	w.int(4, int64(t.Quantity))
	writeEnum(w, 5, t.Aggressor, trade.SideCount)
	start := w.open(6)
	writeParty(w, &t.Buyer)
	w.close(start)
	start = w.open(7)
	writeParty(w, &t.Seller)
	w.close(start)
	writeEnum(w, 8, t.Status, trade.TradeStatusCount)
	w.int(9, t.Time)
	w.int(10, t.BustTime)
}

func readTrade(r *reader, t *trade.Trade) {
	for r.next() {
		switch r.field {
		case 1:
			t.ID = trade.TradeID(r.uint())
		case 2:
			t.Symbol = readText[trade.Symbol](r)
		case 3:
			t.Price = trade.Price(r.int())
		case 4:
			t.Quantity = trade.Quantity(r.int())
		case 5:
			t.Aggressor = readEnum[trade.Side](r, trade.SideCount)
		case 6:
			rest := r.open()
			readParty(r, &t.Buyer)
			r.close(rest)
		case 7:
			rest := r.open()
			readParty(r, &t.Seller)
			r.close(rest)
		case 8:
			t.Status = readEnum[trade.TradeStatus](r, trade.TradeStatusCount)
		case 9:
			t.Time = r.int()
		case 10:
			t.BustTime = r.int()
		default:
			r.skip()
		}
	}
}

func writeTradeChanged(w *writer, e *trade.TradeChanged) {
	start := w.open(1)
	writeTrade(w, &e.Trade)
	w.close(start)
	writeText(w, 2, e.Text)
	w.bool(3, e.LastMoved)
	w.int(4, int64(e.LastPrice))
	w.uint(5, uint64(e.LastTrade))
}

func readTradeChanged(r *reader, e *trade.TradeChanged) {
	for r.next() {
		switch r.field {
		case 1:
			rest := r.open()
			readTrade(r, &e.Trade)
			r.close(rest)
		case 2:
			e.Text = r.text()
		case 3:
			e.LastMoved = r.bool()
		case 4:
			e.LastPrice = trade.Price(r.int())
		case 5:
			e.LastTrade = trade.TradeID(r.uint())
		default:
			r.skip()
		}
	}
}

func writeLevel(w *writer, e *trade.LevelChanged) {
	writeText(w, 1, e.Symbol)
	writeEnum(w, 2, e.Side, trade.SideCount)
	w.int(3, int64(e.Price))
	w.int(4, int64(e.Quantity))
	w.uint(5, uint64(e.Orders))
	w.uint(6, e.BookVersion)
}

func readLevel(r *reader, e *trade.LevelChanged) {
	for r.next() {
		switch r.field {
		case 1:
			e.Symbol = readText[trade.Symbol](r)
		case 2:
			e.Side = readEnum[trade.Side](r, trade.SideCount)
		case 3:
			e.Price = trade.Price(r.int())
		case 4:
			e.Quantity = trade.Quantity(r.int())
		case 5:
			e.Orders = r.uint32()
		case 6:
			e.BookVersion = r.uint()
		default:
			r.skip()
		}
	}
}

func writePosition(w *writer, p *trade.Position) {
	writeText(w, 1, p.Account)
	writeText(w, 2, p.Symbol)
	w.sint(3, int64(p.Quantity))
	start := w.open(4)
	writeAmount(w, &p.Cost)
	w.close(start)
	start = w.open(5)
	writeAmount(w, &p.Realised)
	w.close(start)
	w.lastChange(6, p.Sequence)
}

func readPosition(r *reader, p *trade.Position) {
	p.Sequence = r.sequence
	for r.next() {
		switch r.field {
		case 1:
			p.Account = readText[trade.AccountID](r)
		case 2:
			p.Symbol = readText[trade.Symbol](r)
		case 3:
			p.Quantity = trade.Quantity(r.sint())
		case 4:
			rest := r.open()
			readAmount(r, &p.Cost)
			r.close(rest)
		case 5:
			rest := r.open()
			readAmount(r, &p.Realised)
			r.close(rest)
		case 6:
			p.Sequence = r.uint()
		default:
			r.skip()
		}
	}
}

func writeAmount(w *writer, a *trade.Amount) {
	w.int(1, a.Hi)
	w.fixed(2, a.Lo)
}

func readAmount(r *reader, a *trade.Amount) {
	for r.next() {
		switch r.field {
		case 1:
			a.Hi = r.int()
		case 2:
			a.Lo = r.fixed()
		default:
			r.skip()
		}
	}
}
