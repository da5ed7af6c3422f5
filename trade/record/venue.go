package record

import (
	"math"

	"todoku/trade"
)

func writeInstrument(w *writer, i *trade.Instrument) {
	writeText(w, 1, i.Symbol)
	writeText(w, 2, i.Name)
	writeEnum(w, 3, i.Class, trade.AssetClassCount)
	writeText(w, 4, i.Currency)
	w.int(5, int64(i.TickSize))
	w.int(6, int64(i.LotSize))
	w.int(7, int64(i.MinQuantity))
	w.int(8, int64(i.MaxQuantity))
	w.int(9, int64(i.LowLimitPrice))
	w.int(10, int64(i.HighLimitPrice))
	w.uint(11, uint64(i.Band))
	w.int(12, int64(i.ReferencePrice))
	w.bool(13, i.Disclose)
	writeEnum(w, 14, i.Status, trade.TradingStatusCount)
	writeText(w, 15, i.StatusReason)
	w.uint(16, uint64(i.ReferenceAfter))
}

func readInstrument(r *reader, i *trade.Instrument) {
	for r.next() {
		switch r.field {
		case 1:
			i.Symbol = readText[trade.Symbol](r)
		case 2:
			i.Name = r.text()
		case 3:
			i.Class = readEnum[trade.AssetClass](r, trade.AssetClassCount)
		case 4:
			i.Currency = r.text()
		case 5:
			i.TickSize = trade.Price(r.int())
		case 6:
			i.LotSize = trade.Quantity(r.int())
		case 7:
			i.MinQuantity = trade.Quantity(r.int())
		case 8:
			i.MaxQuantity = trade.Quantity(r.int())
		case 9:
			i.LowLimitPrice = trade.Price(r.int())
		case 10:
			i.HighLimitPrice = trade.Price(r.int())
		case 11:
			i.Band = trade.BasisPoints(r.uint32())
		case 12:
			i.ReferencePrice = trade.Price(r.int())
		case 13:
			i.Disclose = r.bool()
		case 14:
			i.Status = readEnum[trade.TradingStatus](r, trade.TradingStatusCount)
		case 15:
			i.StatusReason = r.text()
		case 16:
			i.ReferenceAfter = trade.TradeID(r.uint())
		default:
			r.skip()
		}
	}
}

func writeUser(w *writer, u *trade.User) {
	writeText(w, 1, u.ID)
	writeText(w, 2, u.DisplayName)
	if u.Roles&^trade.RoleAll != 0 {
		w.fail("a role that does not exist")
	}
	w.uint(3, uint64(u.Roles))
	for _, account := range u.Accounts {
		writeElement(w, 4, account)
	}
	w.bool(5, u.Suspended)
	w.bool(6, u.Online)
	w.int(7, u.Since)
}

func readUser(r *reader, u *trade.User) {
	for r.next() {
		switch r.field {
		case 1:
			u.ID = readText[trade.UserID](r)
		case 2:
			u.DisplayName = r.text()
		case 3:
			u.Roles = trade.Role(r.upTo(math.MaxUint8))
			if u.Roles&^trade.RoleAll != 0 {
				r.fail("a role that does not exist")
			}
		case 4:
			u.Accounts = append(u.Accounts, readText[trade.AccountID](r))
		case 5:
			u.Suspended = r.bool()
		case 6:
			u.Online = r.bool()
		case 7:
			u.Since = r.int()
		default:
			r.skip()
		}
	}
}

func writePresence(w *writer, e *trade.PresenceChanged) {
	writeText(w, 1, e.User)
	writeText(w, 2, e.DisplayName)
	w.bool(3, e.Online)
}

func readPresence(r *reader, e *trade.PresenceChanged) {
	for r.next() {
		switch r.field {
		case 1:
			e.User = readText[trade.UserID](r)
		case 2:
			e.DisplayName = r.text()
		case 3:
			e.Online = r.bool()
		default:
			r.skip()
		}
	}
}

func writeAccount(w *writer, a *trade.AccountState) {
	writeText(w, 1, a.Account)
	w.int(2, int64(a.Limits.MaxOrderQuantity))
	start := w.open(3)
	writeAmount(w, &a.Limits.MaxOrderNotional)
	w.close(start)
	w.uint(4, uint64(a.Limits.MaxOpenOrders))
	w.uint(5, uint64(a.Limits.Band))
	w.uint(6, uint64(a.Limits.MaxMessagesPerSecond))
}

func readAccount(r *reader, a *trade.AccountState) {
	for r.next() {
		switch r.field {
		case 1:
			a.Account = readText[trade.AccountID](r)
		case 2:
			a.Limits.MaxOrderQuantity = trade.Quantity(r.int())
		case 3:
			rest := r.open()
			readAmount(r, &a.Limits.MaxOrderNotional)
			r.close(rest)
		case 4:
			a.Limits.MaxOpenOrders = r.uint32()
		case 5:
			a.Limits.Band = trade.BasisPoints(r.uint32())
		case 6:
			a.Limits.MaxMessagesPerSecond = r.uint32()
		default:
			r.skip()
		}
	}
}

func writeAnnounced(w *writer, e *trade.Announced) {
	writeText(w, 1, e.From)
	writeText(w, 2, e.Text)
	for _, user := range e.To {
		writeElement(w, 3, user)
	}
}

func readAnnounced(r *reader, e *trade.Announced) {
	for r.next() {
		switch r.field {
		case 1:
			e.From = r.text()
		case 2:
			e.Text = r.text()
		case 3:
			e.To = append(e.To, readText[trade.UserID](r))
		default:
			r.skip()
		}
	}
}

func writeVenue(w *writer, v *trade.Venue) { w.uint(1, uint64(v.DayEnd)) }

func readVenue(r *reader, v *trade.Venue) {
	for r.next() {
		switch r.field {
		case 1:
			v.DayEnd = r.uint32()
		default:
			r.skip()
		}
	}
}

func writeDayEnded(w *writer, e *trade.DayEnded) {
	w.int(1, e.End)
	w.int(2, e.Next)
}

func readDayEnded(r *reader, e *trade.DayEnded) {
	for r.next() {
		switch r.field {
		case 1:
			e.End = r.int()
		case 2:
			e.Next = r.int()
		default:
			r.skip()
		}
	}
}
