package engine

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"todoku/trade"
)

// ask executes a user's command. "venue" is the venue itself.
func (s *scenario) ask(user trade.UserID, w *words) {
	from := trade.Actor{User: user, Account: trade.AccountID(user)}
	if user == "venue" {
		from = trade.Actor{}
	}
	switch verb := w.next(); verb {
	case "buy", "sell":
		s.place(from, verb, w)
	case "replace":
		c := &trade.ReplaceOrder{Actor: from, Target: ref(w.next())}
		for w.err == nil && len(w.left) > 0 {
			switch word := w.next(); word {
			case "@":
				c.Price = w.price()
			case "to":
				c.Quantity = w.quantity()
			default:
				s.option(&c.Actor, &c.Guard, word, w)
			}
		}
		s.submitAs(c)
	case "cancel":
		c := &trade.CancelOrder{Actor: from, Target: ref(w.next())}
		s.options(&c.Actor, w)
		s.submitAs(c)
	case "mass-cancel":
		s.massCancel(from, w)
	default:
		from.Account = ""
		s.administer(from, verb, w)
	}
}

// ref reads "#3" as an order id and anything else as a client order id.
func ref(text string) trade.OrderRef {
	if id, ok := strings.CutPrefix(text, "#"); ok {
		if n, err := strconv.ParseUint(id, 10, 64); err == nil {
			return trade.OrderRef{ID: trade.OrderID(n)}
		}
	}
	return trade.OrderRef{ClientOrderID: trade.RequestID(text)}
}

// option reads the options of many commands: as ID, for ACCOUNT, seen VERSION moves N.
func (s *scenario) option(from *trade.Actor, guard *trade.StaleGuard, word string, w *words) {
	switch word {
	case "as":
		from.Request = trade.RequestID(w.next())
	case "for":
		from.Account = trade.AccountID(w.next())
	case "seen":
		guard.Set, guard.SeenBookVersion = true, w.number()
		if w.accept("moves") != "" {
			guard.MaxBookMoves = w.number()
		}
	default:
		w.err = errUsage
	}
}

func (s *scenario) options(from *trade.Actor, w *words) {
	for w.err == nil && len(w.left) > 0 {
		s.option(from, &trade.StaleGuard{}, w.next(), w)
	}
}

// submitAs submits with the given request id, or with the next free one.
func (s *scenario) submitAs(c trade.Command) {
	if from := c.From(); from.Request == "" && from.User != "" {
		s.requests++
		from.Request = trade.RequestID("r" + strconv.Itoa(s.requests))
	}
	s.run(c)
}

// place reads QUANTITY SYMBOL @ PRICE|market [day|gtc|ioc|fok] [gtd +1h] [post-only]
// [stp taker|maker|both] [session ID] and the options.
func (s *scenario) place(from trade.Actor, side string, w *words) {
	c := &trade.PlaceOrder{Actor: from, Side: trade.SideBuy}
	if side == "sell" {
		c.Side = trade.SideSell
	}
	c.Quantity, c.Symbol = w.quantity(), trade.Symbol(w.next())
	for w.err == nil && len(w.left) > 0 {
		switch word := w.next(); word {
		case "@":
			if c.Type = trade.OrderTypeMarket; w.accept("market") == "" {
				c.Type, c.Price = trade.OrderTypeLimit, w.price()
			}
		case "day":
			c.TimeInForce = trade.TimeInForceDay
		case "gtc":
			c.TimeInForce = trade.TimeInForceGTC
		case "ioc":
			c.TimeInForce = trade.TimeInForceIOC
		case "fok":
			c.TimeInForce = trade.TimeInForceFOK
		case "gtd":
			c.TimeInForce = trade.TimeInForceGTD
		case "until":
			d, err := time.ParseDuration(strings.TrimPrefix(w.next(), "+"))
			w.err = errors.Join(w.err, err)
			c.Expire = s.clock.Add(d).UnixNano()
		case "session":
			c.Session = w.next()
		case "post-only":
			c.PostOnly = true
		case "stp":
			modes := map[string]trade.SelfTrade{"taker": trade.SelfTradeCancelTaker, "maker": trade.SelfTradeCancelMaker, "both": trade.SelfTradeCancelBoth}
			c.SelfTrade = modes[w.accept("taker", "maker", "both")]
		default:
			s.option(&c.Actor, &c.Guard, word, w)
		}
	}
	if w.err == nil {
		s.submitAs(c)
	}
}

// massCancel reads [SYMBOL] [buy|sell] [day-only] [everybody] [session ID] [disconnected] and the options.
func (s *scenario) massCancel(from trade.Actor, w *words) {
	c := &trade.MassCancel{Actor: from}
	for w.err == nil && len(w.left) > 0 {
		switch word := w.next(); word {
		case "buy":
			c.Side = trade.SideBuy
		case "sell":
			c.Side = trade.SideSell
		case "day-only":
			c.DayOnly = true
		case "everybody":
			c.Account = ""
		case "session":
			c.Session = w.next()
		case "disconnected":
			c.Reason = trade.ReasonDisconnected
		case "as", "for":
			s.option(&c.Actor, &trade.StaleGuard{}, word, w)
		default:
			c.Symbol = trade.Symbol(word)
		}
	}
	s.submitAs(c)
}

// administer executes commands that are not about one account's orders.
func (s *scenario) administer(from trade.Actor, verb string, w *words) {
	switch verb {
	case "open", "halt", "close", "pre-open":
		status := map[string]trade.TradingStatus{
			"open": trade.TradingStatusOpen, "halt": trade.TradingStatusHalted,
			"close": trade.TradingStatusClosed, "pre-open": trade.TradingStatusPreOpen,
		}
		s.submitAs(&trade.SetTradingStatus{Actor: from, Symbol: trade.Symbol(w.next()), Status: status[verb], Text: w.remainder()})
	case "limits":
		s.limits(from, w)
	case "bust":
		id := trade.TradeID(w.number())
		c := s.facts[id]
		if c == nil {
			c = s.bustOf(id)
		}
		again := *c
		if w.accept("as") != "" {
			from.Request = trade.RequestID(w.next())
		}
		again.Actor, again.Text = from, w.remainder()
		s.submitAs(&again)
	case "suspend", "resume":
		u := s.userNamed(trade.UserID(w.next()))
		u.Suspended = verb == "suspend"
		s.submitAs(&trade.UpsertUser{Actor: from, NewUser: u})
	case "accounts": // USER ACCOUNT...
		u := s.userNamed(trade.UserID(w.next()))
		u.Accounts = nil
		for len(w.left) > 0 {
			u.Accounts = append(u.Accounts, trade.AccountID(w.next()))
		}
		s.submitAs(&trade.UpsertUser{Actor: from, NewUser: u})
	case "create": // USER ROLE ACCOUNT
		roles := map[string]trade.Role{"trader": trade.RoleTrader, "viewer": trade.RoleViewer, "risk": trade.RoleRisk, "admin": trade.RoleAdmin}
		id := trade.UserID(w.next())
		s.submitAs(&trade.UpsertUser{Actor: from, Create: true, NewUser: trade.User{
			ID: id, DisplayName: string(id), Roles: roles[w.next()], Accounts: []trade.AccountID{trade.AccountID(w.next())},
		}})
	case "announce":
		s.submitAs(&trade.Announce{Actor: from, Text: w.remainder()})
	case "online", "offline":
		s.submitAs(&trade.SetPresence{Actor: from, Subject: trade.UserID(w.next()), Online: verb == "online"})
	case "day-end": // HOUR
		s.submitAs(&trade.ConfigureVenue{Actor: from, Venue: trade.Venue{DayEnd: uint32(w.number() * 60 * 60)}})
	default:
		w.err = errUsage
	}
}

// limit reads a number, or none for no limit.
func (w *words) limit() uint32 {
	if w.accept("none") != "" {
		return trade.Unlimited
	}
	return uint32(w.number())
}

// limits reads ACCOUNT [quantity Q] [notional A] [orders N] [band N%] [rate N].
func (s *scenario) limits(from trade.Actor, w *words) {
	c := &trade.SetLimits{Actor: from, Target: trade.AccountID(w.next())}
	for w.err == nil && len(w.left) > 0 {
		switch w.next() {
		case "quantity":
			c.Limits.MaxOrderQuantity = w.quantity()
		case "notional":
			a, err := trade.ParseAmount(w.next())
			c.Limits.MaxOrderNotional, w.err = a, errors.Join(w.err, err)
		case "orders":
			c.Limits.MaxOpenOrders = w.limit()
		case "band":
			c.Limits.Band = w.percent()
		case "rate":
			c.Limits.MaxMessagesPerSecond = w.limit()
		default:
			w.err = errUsage
		}
	}
	s.submitAs(c)
}

// bustOf returns the facts of a trade as they are in the history now.
func (s *scenario) bustOf(id trade.TradeID) *trade.BustTrade {
	t, ok := s.auditor.trades[id]
	if !ok {
		t.ID, t.Symbol = id, "USDJPY"
	}
	return s.auditor.bust(&t)
}

func (s *scenario) userNamed(id trade.UserID) trade.User {
	if u := s.engine.state.users[id]; u != nil {
		return *u
	}
	return trade.User{ID: id, DisplayName: string(id), Roles: trade.RoleTrader, Accounts: []trade.AccountID{trade.AccountID(id)}}
}
