package watch

import (
	"fmt"
	"time"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	todokuv1 "todoku/gen/todoku/v1"
)

// messageLine returns a message of the stream as a line for people, or "" for one that
// only the client needs. The first word is the type. Scripts should use --json.
func messageLine(m *todokuv1.Message) string {
	kind, text := bodyText(m)
	if kind == "" {
		return ""
	}
	clock := ""
	if m.GetTime() != nil {
		clock = m.GetTime().AsTime().Local().Format(time.TimeOnly)
	}
	return fmt.Sprintf("%8s %-16s %s", clock, kind, cli.OneLine(text))
}

func bodyText(m *todokuv1.Message) (kind, text string) {
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_Hello, *todokuv1.Message_Heartbeat, *todokuv1.Message_Reconnect,
		*todokuv1.Message_SessionUpdate, *todokuv1.Message_SnapshotBegin, *todokuv1.Message_BookBegin:
		return "", ""
	case *todokuv1.Message_SnapshotEnd:
		return "SNAPSHOT", "complete; what follows is new"
	case *todokuv1.Message_Reset_:
		if body.Reset_.GetCause() == todokuv1.Reset_CAUSE_DIVERGED {
			return "RESET", "DIVERGED: " + body.Reset_.GetText() + " What it holds follows."
		}
		return "RESET", fmt.Sprintf("%s: what happened meanwhile cannot be replayed; %s",
			cli.Word(body.Reset_.GetCause()), body.Reset_.GetText())
	case *todokuv1.Message_ExecutionReport:
		return reportText(body.ExecutionReport)
	case *todokuv1.Message_CancelReject:
		r := body.CancelReject
		return "CANCEL_REJECT", fmt.Sprintf("%s stays as it is%s", workingText(r.GetOrder()), reasonText(r.GetReason()))
	case *todokuv1.Message_Trade:
		return tradeText(body.Trade)
	case *todokuv1.Message_Order:
		return "ORDER", workingText(body.Order)
	case *todokuv1.Message_PositionUpdate:
		p := body.PositionUpdate
		return "POSITION", fmt.Sprintf("%s %s of %s, cost %s, realised %s",
			p.GetAccount(), notation.OrZero(p.GetQuantity()), p.GetSymbol(), notation.OrZero(p.GetCost()), notation.OrZero(p.GetRealised()))
	case *todokuv1.Message_LimitUpdate:
		return "LIMITS", notation.Limits(body.LimitUpdate)
	default:
		return publicText(m)
	}
}

// publicText is bodyText for messages that concern more than one account.
func publicText(m *todokuv1.Message) (kind, text string) {
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_UserPresence:
		if body.UserPresence.GetOnline() {
			return "OTHER_USER_LOGIN", body.UserPresence.GetDisplayName() + " signed in"
		}
		return "USER_LOGOUT", body.UserPresence.GetDisplayName() + " signed out"
	case *todokuv1.Message_Announcement:
		return "ANNOUNCEMENT", body.Announcement.GetFrom() + ": " + body.Announcement.GetText()
	case *todokuv1.Message_InstrumentUpdate:
		i := body.InstrumentUpdate
		text := fmt.Sprintf("%s is %s", i.GetSymbol(), cli.Word(i.GetStatus()))
		if i.GetStatusReason() != "" {
			text += ": " + i.GetStatusReason()
		}
		return "INSTRUMENT", text
	case *todokuv1.Message_UserUpdate:
		return "USER", notation.User(body.UserUpdate)
	case *todokuv1.Message_TradePrint:
		p := body.TradePrint
		if p.GetStatus() == todokuv1.TradeStatus_TRADE_STATUS_BUSTED {
			return "TRADE_PRINT", fmt.Sprintf("trade %s busted: %s %s @ %s", p.GetTradeId(), p.GetQuantity(), p.GetSymbol(), p.GetPrice())
		}
		return "TRADE_PRINT", fmt.Sprintf("%s %s @ %s, taken by a %s", p.GetQuantity(), p.GetSymbol(), p.GetPrice(),
			pick(p.GetAggressor(), "buyer", "seller"))
	case *todokuv1.Message_BookUpdate:
		u := body.BookUpdate
		text := u.GetSymbol() + " " + pick(u.GetSide(), "bid", "offer") + " " + u.GetLevel().GetPrice()
		if notation.OrZero(u.GetLevel().GetQuantity()) == "0" {
			return "BOOK", text + " gone"
		}
		return "BOOK", fmt.Sprintf("%s: %s in %s", text, u.GetLevel().GetQuantity(), cli.Count(u.GetLevel().GetOrders(), "order"))
	case *todokuv1.Message_BestBidOffer:
		b := body.BestBidOffer
		return "BEST", notation.Best(b.GetSymbol(), b.GetBid(), b.GetOffer(), b.GetLastPrice())
	default:
		return "UNKNOWN", "a message of a newer version; --json may show more"
	}
}

// pick returns the word for a side.
func pick(side todokuv1.Side, buy, sell string) string {
	if side == todokuv1.Side_SIDE_SELL {
		return sell
	}
	return buy
}

// tradeText describes a trade from the reader's side.
func tradeText(t *todokuv1.Trade) (kind, text string) {
	text = fmt.Sprintf("%s %s %s @ %s", pick(t.GetSide(), "bought", "sold"), t.GetQuantity(), t.GetSymbol(), t.GetPrice())
	if t.GetCounterparty() != "" {
		text += pick(t.GetSide(), " from ", " to ") + t.GetCounterparty()
	}
	text += fmt.Sprintf(" (trade %s, order %s, %s)", t.GetTradeId(), t.GetOrderId(), t.GetAccount())
	if t.GetStatus() == todokuv1.TradeStatus_TRADE_STATUS_BUSTED {
		return "TRADE_BUSTED", text + ": " + t.GetText()
	}
	return "TRADE_SUCCEEDS", text
}

// reportText says why an order changed, and its new state.
func reportText(r *todokuv1.ExecutionReport) (kind, text string) {
	o := r.GetOrder()
	kind = "ORDER_" + cli.Word(r.GetExecType())
	if r.GetExecType() == todokuv1.ExecType_EXEC_TYPE_TRADE {
		kind = "ORDER_FILL"
		text = fmt.Sprintf("%s @ %s of ", r.GetLastQuantity(), r.GetLastPrice())
	}
	return kind, text + workingText(o) + ": " + cli.Word(o.GetStatus()) + reasonText(r.GetReason())
}

// workingText describes an order and how much of it is filled and left.
func workingText(o *todokuv1.Order) string {
	return fmt.Sprintf("order %s (%s) %s, %s filled, %s left", o.GetOrderId(), o.GetAccount(),
		notation.Order(o.GetSide(), o.GetQuantity(), o.GetSymbol(), o.GetPrice()),
		notation.OrZero(o.GetFilledQuantity()), notation.OrZero(o.GetLeavesQuantity()))
}

func reasonText(r *todokuv1.Reason) string {
	if r.GetName() == "" || r.GetCode() == 0 {
		return ""
	}
	return fmt.Sprintf(": %s: %s", r.GetName(), r.GetText())
}
