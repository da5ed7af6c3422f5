package rpc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/journal"
	"todoku/live"
	"todoku/trade"
)

// The receivers of an event are computed: the record names the event's topics, and the
// evidence says which streams carried one of them, were sent the event, and
// acknowledged it. A stream is shown only for events of topics that it carried.

const (
	// maxReceivers bounds an answer, and maxOrderEvents the events of an order.
	maxReceivers   = 1000
	maxOrderEvents = 100
)

// ListTold lists who was sent an event, an order or a trade, and when.
func (s *services) ListTold(ctx context.Context, req *todokuv1.ListToldRequest) (*todokuv1.ListToldResponse, error) {
	var d decoder
	user := string(optional("user", req.GetUser(), d.user))
	named := 0
	for _, set := range []bool{req.GetSequence() != 0, req.GetOrderId() != "", req.GetTradeId() != ""} {
		if set {
			named++
		}
	}
	if named != 1 {
		d.refuse(trade.ReasonBadCombination, "sequence", "name one of sequence, order_id and trade_id")
	}
	if err := s.catchUp(ctx, &d); err != nil {
		return nil, err
	}
	sequences, err := s.eventsOf(ctx, req)
	if err != nil {
		return nil, err
	}
	res := &todokuv1.ListToldResponse{}
	for _, sequence := range sequences {
		entry, err := s.entry(ctx, sequence)
		if errors.Is(err, journal.ErrCompacted) && len(sequences) > 1 {
			continue // The order's older events are no longer kept.
		}
		if err == nil {
			res.Truncated, err = s.receivers(ctx, res, entry, user)
		}
		if err != nil {
			return nil, err
		}
		if res.GetTruncated() {
			break
		}
	}
	return res, nil
}

// eventsOf returns the sequences of the events that a request names, in rising order.
func (s *Server) eventsOf(ctx context.Context, req *todokuv1.ListToldRequest) ([]uint64, error) {
	if req.GetSequence() != 0 {
		return []uint64{req.GetSequence()}, nil
	}
	if err := s.follower.WaitFor(ctx, s.journal.Head()); err != nil {
		return nil, err
	}
	var d decoder
	tradeID := trade.TradeID(optional("trade_id", req.GetTradeId(), d.id))
	query := history.ExecutionQuery{
		Order:       trade.OrderID(optional("order_id", req.GetOrderId(), d.id)),
		Account:     optional("account", req.GetAccount(), d.account),
		PageRequest: history.PageRequest{Size: maxOrderEvents},
	}
	switch {
	case d.err != nil:
		return nil, d.err
	case tradeID != 0:
		found, ok, err := s.history.Trade(ctx, tradeID)
		if err == nil && !ok {
			err = trade.Refuse(trade.ReasonUnknownTrade, "trade_id", "")
		}
		if err != nil {
			return nil, err
		}
		query.Account, query.Order = found.Buyer.Account, found.Buyer.Order
	case query.Account == "":
		order, ok := s.feed.WorkingOrder("", trade.OrderRef{ID: query.Order})
		if !ok {
			return nil, trade.Refuse(trade.ReasonUnknownOrder, "account", "name the account of an order that does not work any more")
		}
		query.Account = order.Account
	}
	page, err := s.history.Executions(ctx, query)
	if err != nil {
		return nil, err
	}
	var sequences []uint64
	for i := range page.Items {
		if tradeID == 0 || page.Items[i].ExecutionReport.Trade == tradeID {
			sequences = append(sequences, page.Items[i].Sequence)
		}
	}
	slices.Sort(sequences)
	sequences = slices.Compact(sequences)
	if len(sequences) == 0 {
		return nil, trade.Refuse(trade.ReasonUnknownOrder, "order_id", "")
	}
	return sequences, nil
}

// entry reads one record of the journal.
func (s *Server) entry(ctx context.Context, sequence uint64) (journal.Record, error) {
	if head := s.journal.Head(); sequence > head {
		return journal.Record{}, trade.Refuse(trade.ReasonBadNumber, "sequence", fmt.Sprintf("the venue is at %d", head))
	}
	entries, err := s.journal.Read(ctx, sequence-1, 1)
	switch {
	case err != nil:
		return journal.Record{}, err
	case len(entries) == 0:
		return journal.Record{}, journal.ErrCompacted
	}
	return entries[0], nil
}

// receivers adds who was sent a record, and reports whether there are more.
func (s *Server) receivers(ctx context.Context, res *todokuv1.ListToldResponse, entry journal.Record, user string) (more bool, err error) {
	audience, err := feed.AudienceOf(entry)
	if err != nil {
		return false, err
	}
	query := live.Query{Epoch: s.journal.Epoch(), Sequence: entry.Sequence, Committed: time.Unix(0, entry.Time), User: user}
	for r, err := range s.live.Receivers(ctx, query) {
		switch {
		case err != nil:
			return false, err
		case !audience.Includes(r.Topics):
		case len(res.GetTold()) == maxReceivers:
			return true, nil
		default:
			res.Told = append(res.Told, receiverMessage(&r, &entry))
		}
	}
	return false, nil
}

func receiverMessage(r *live.Receiver, entry *journal.Record) *todokuv1.Told {
	return &todokuv1.Told{
		Sequence: entry.Sequence, CommitTime: timestamp(entry.Time), User: r.User, ConnectionId: r.Connection,
		AttachNumber: r.Attach, RemoteAddress: r.Remote, AttachTime: moment(r.Since),
		AcknowledgeTime: moment(r.AcknowledgedAt), AcknowledgedSequence: r.Acknowledged,
		EndTime: moment(r.Ended), EndReason: r.Reason,
	}
}
