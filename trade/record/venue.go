package record

import (
	"math"

	"todoku/trade"
)

func instrument(c *codec, field int32, i *trade.Instrument) {
	for m := c.open(field); c.next(&m); {
		text(c, 1, &i.Symbol)
		text(c, 2, &i.Name)
		enum(c, 3, &i.Class, trade.AssetClassCount)
		text(c, 4, &i.Currency)
		number(c, 5, &i.TickSize)
		number(c, 6, &i.LotSize)
		number(c, 7, &i.MinQuantity)
		number(c, 8, &i.MaxQuantity)
		number(c, 9, &i.LowLimitPrice)
		number(c, 10, &i.HighLimitPrice)
		bounded(c, 11, &i.Band, math.MaxUint32)
		number(c, 12, &i.ReferencePrice)
		c.bool(13, &i.Disclose)
		enum(c, 14, &i.Status, trade.TradingStatusCount)
		text(c, 15, &i.StatusReason)
	}
}

func user(c *codec, field int32, u *trade.User) {
	for m := c.open(field); c.next(&m); {
		text(c, 1, &u.ID)
		text(c, 2, &u.DisplayName)
		bounded(c, 3, &u.Roles, uint64(trade.RoleAll))
		texts(c, 4, &u.Accounts)
		c.bool(5, &u.Suspended)
		c.bool(6, &u.Online)
		number(c, 7, &u.Since)
	}
}

func presence(c *codec, field int32, e *trade.PresenceChanged) {
	for m := c.open(field); c.next(&m); {
		text(c, 1, &e.User)
		text(c, 2, &e.DisplayName)
		c.bool(3, &e.Online)
	}
}

func account(c *codec, field int32, a *trade.AccountState) {
	l := &a.Limits
	for m := c.open(field); c.next(&m); {
		text(c, 1, &a.Account)
		number(c, 2, &l.MaxOrderQuantity)
		amount(c, 3, &l.MaxOrderNotional)
		bounded(c, 4, &l.MaxOpenOrders, math.MaxUint32)
		bounded(c, 5, &l.Band, math.MaxUint32)
		bounded(c, 6, &l.MaxMessagesPerSecond, math.MaxUint32)
	}
}

func announced(c *codec, field int32, e *trade.Announced) {
	for m := c.open(field); c.next(&m); {
		text(c, 1, &e.From)
		text(c, 2, &e.Text)
		texts(c, 3, &e.To)
	}
}

func venue(c *codec, field int32, v *trade.Venue) {
	for m := c.open(field); c.next(&m); {
		bounded(c, 1, &v.DayEnd, math.MaxUint32)
	}
}

func dayEnded(c *codec, field int32, e *trade.DayEnded) {
	for m := c.open(field); c.next(&m); {
		number(c, 1, &e.End)
		number(c, 2, &e.Next)
	}
}
