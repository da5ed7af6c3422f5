package rpc

import (
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// Conversion of the venue's types to messages. The numbers of the enums are the same on both
// sides, as a test ensures; roles are bits here and a list there.

// timestamp is absent for zero.
func timestamp(nanos int64) *timestamppb.Timestamp {
	return moment(instant(nanos))
}

// instant is the zero time for zero.
func instant(nanos int64) time.Time {
	if nanos == 0 {
		return time.Time{}
	}
	return time.Unix(0, nanos).UTC()
}

// moment is absent for the zero time.
func moment(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}

// idText is empty for zero: no order, no trade.
func idText[T ~uint64](id T) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatUint(uint64(id), 10)
}

// priceText is empty for "no price".
func priceText(p trade.Price) string {
	if p == 0 {
		return ""
	}
	return p.String()
}

func reasonMessage(r trade.Reason) *todokuv1.Reason {
	if r == trade.ReasonNone {
		return nil
	}
	return &todokuv1.Reason{Code: uint32(r), Name: r.String(), Text: r.Sentence()}
}

func instrumentMessage(i *trade.Instrument) *todokuv1.Instrument {
	return &todokuv1.Instrument{
		Symbol:               string(i.Symbol),
		Name:                 i.Name,
		AssetClass:           todokuv1.AssetClass(i.Class),
		Currency:             i.Currency,
		TickSize:             i.TickSize.String(),
		LotSize:              i.LotSize.String(),
		MinQuantity:          i.MinQuantity.String(),
		MaxQuantity:          i.MaxQuantity.String(),
		LowLimitPrice:        priceText(i.LowLimitPrice),
		HighLimitPrice:       priceText(i.HighLimitPrice),
		BandBasisPoints:      uint32(i.Band),
		ReferencePrice:       priceText(i.ReferencePrice),
		DiscloseCounterparty: i.Disclose,
		Status:               todokuv1.TradingStatus(i.Status),
		StatusReason:         i.StatusReason,
	}
}

func orderMessage(o *trade.Order) *todokuv1.Order {
	return &todokuv1.Order{
		OrderId:        idText(o.ID),
		ClientOrderId:  string(o.ClientOrderID),
		Account:        string(o.Account),
		User:           string(o.User),
		Symbol:         string(o.Symbol),
		Side:           todokuv1.Side(o.Side),
		Type:           todokuv1.OrderType(o.Type),
		TimeInForce:    todokuv1.TimeInForce(o.TimeInForce),
		PostOnly:       o.PostOnly,
		SelfTrade:      todokuv1.SelfTradeInstruction(o.SelfTrade),
		Price:          priceText(o.Price),
		Quantity:       o.Quantity.String(),
		FilledQuantity: o.Filled.String(),
		LeavesQuantity: o.Leaves.String(),
		ExpireTime:     timestamp(o.Expire),
		Status:         todokuv1.OrderStatus(o.Status),
		EnteredTime:    timestamp(o.Entered),
		UpdatedTime:    timestamp(o.Updated),
		Sequence:       o.Sequence,
	}
}

// reportMessage is an execution report; its id is the same in every message.
func reportMessage(id string, r *trade.ExecutionReport, at int64) *todokuv1.ExecutionReport {
	m := &todokuv1.ExecutionReport{
		ExecutionId:  id,
		ExecType:     todokuv1.ExecType(r.Type),
		Order:        orderMessage(&r.Order),
		RequestId:    string(r.Request),
		Reason:       reasonMessage(r.Reason),
		LastPrice:    priceText(r.LastPrice),
		TradeId:      idText(r.Trade),
		Maker:        r.Maker,
		Counterparty: string(r.Counterparty),
		Time:         timestamp(at),
	}
	if r.LastQuantity != 0 {
		m.LastQuantity = r.LastQuantity.String()
	}
	return m
}

func partyTradeMessage(t *feed.PartyTrade) *todokuv1.Trade {
	return &todokuv1.Trade{
		TradeId:       idText(t.ID),
		Symbol:        string(t.Symbol),
		Account:       string(t.Account),
		Side:          todokuv1.Side(t.Side),
		Price:         t.Price.String(),
		Quantity:      t.Quantity.String(),
		OrderId:       idText(t.Order),
		ClientOrderId: string(t.ClientOrderID),
		Maker:         t.Maker,
		Counterparty:  string(t.Counterparty),
		Status:        todokuv1.TradeStatus(t.Status),
		Time:          timestamp(t.Time),
		Text:          t.Text,
	}
}

func printMessage(p *trade.Print) *todokuv1.TradePrint {
	return &todokuv1.TradePrint{
		TradeId:   idText(p.ID),
		Symbol:    string(p.Symbol),
		Price:     p.Price.String(),
		Quantity:  p.Quantity.String(),
		Aggressor: todokuv1.Side(p.Aggressor),
		Status:    todokuv1.TradeStatus(p.Status),
		Time:      timestamp(p.Time),
	}
}

func positionMessage(p *trade.Position) *todokuv1.Position {
	return &todokuv1.Position{
		Account:  string(p.Account),
		Symbol:   string(p.Symbol),
		Quantity: p.Quantity.String(),
		Cost:     p.Cost.String(),
		Realised: p.Realised.String(),
		Sequence: p.Sequence,
	}
}

func limitsMessage(account trade.AccountID, l *trade.Limits) *todokuv1.RiskLimits {
	m := &todokuv1.RiskLimits{
		Account:              string(account),
		MaxOpenOrders:        l.MaxOpenOrders,
		PriceBandBasisPoints: uint32(l.Band),
		MaxMessagesPerSecond: l.MaxMessagesPerSecond,
	}
	if l.MaxOrderQuantity != 0 {
		m.MaxOrderQuantity = l.MaxOrderQuantity.String()
	}
	if l.MaxOrderNotional.Sign() != 0 {
		m.MaxOrderNotional = l.MaxOrderNotional.String()
	}
	return m
}

func levelMessage(l *trade.Level) *todokuv1.BookLevel {
	return &todokuv1.BookLevel{Price: l.Price.String(), Quantity: l.Quantity.String(), Orders: l.Orders}
}

// sideMessage is the best level of a side, absent when no order rests there.
func sideMessage(l *trade.Level) *todokuv1.BookLevel {
	if l.Quantity == 0 {
		return nil
	}
	return levelMessage(l)
}

func userMessage(u *trade.User) *todokuv1.User {
	m := &todokuv1.User{
		User:        string(u.ID),
		DisplayName: u.DisplayName,
		Roles:       roleList(u.Roles),
		Suspended:   u.Suspended,
		Online:      u.Online,
		Since:       timestamp(u.Since),
	}
	for _, account := range u.Accounts {
		m.Accounts = append(m.Accounts, string(account))
	}
	return m
}

func roleList(set trade.Role) []todokuv1.Role {
	var list []todokuv1.Role
	for role := todokuv1.Role_ROLE_TRADER; role <= todokuv1.Role_ROLE_ADMIN; role++ {
		if set.Has(roleBit(role)) {
			list = append(list, role)
		}
	}
	return list
}

// roleBit returns the bit of a role, zero for a number that is no role.
func roleBit(role todokuv1.Role) trade.Role {
	if role < todokuv1.Role_ROLE_TRADER || role > todokuv1.Role_ROLE_ADMIN {
		return 0
	}
	return trade.RoleTrader << (role - todokuv1.Role_ROLE_TRADER)
}
