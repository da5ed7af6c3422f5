package rpc

import (
	"context"

	"google.golang.org/grpc"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/trade"
)

// AdminService, what concerns the market. Users are in adminuser.go, streams in
// adminstream.go, the audit trail in audit.go.

// byStaff makes the caller the actor of an administrative command: for no
// account, so that its request is unique per user.
func byStaff(ctx context.Context, actor *trade.Actor) {
	actor.User = callerOf(ctx).user.ID
}

// UpsertInstrument creates an instrument or changes its rules.
func (s *adminService) UpsertInstrument(ctx context.Context, req *todokuv1.UpsertInstrumentRequest) (*todokuv1.UpsertInstrumentResponse, error) {
	command, err := DecodeInstrument(req)
	if err != nil {
		return nil, err
	}
	answer, err := s.administer(ctx, command)
	if err != nil {
		return nil, err
	}
	return &todokuv1.UpsertInstrumentResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, nil
}

// SetTradingStatus opens, halts or closes an instrument.
func (s *adminService) SetTradingStatus(ctx context.Context, req *todokuv1.SetTradingStatusRequest) (*todokuv1.SetTradingStatusResponse, error) {
	command, err := decodeStatus(req)
	if err != nil {
		return nil, err
	}
	answer, err := s.administer(ctx, command)
	if err != nil {
		return nil, err
	}
	return &todokuv1.SetTradingStatusResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, nil
}

// SetRiskLimits sets what an account may do.
func (s *adminService) SetRiskLimits(ctx context.Context, req *todokuv1.SetRiskLimitsRequest) (*todokuv1.SetRiskLimitsResponse, error) {
	command, err := decodeLimits(req)
	if err != nil {
		return nil, err
	}
	answer, err := s.administer(ctx, command)
	if err != nil {
		return nil, err
	}
	return &todokuv1.SetRiskLimitsResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, nil
}

// GetRiskLimits returns what an account may do.
func (s *adminService) GetRiskLimits(ctx context.Context, req *todokuv1.GetRiskLimitsRequest) (*todokuv1.GetRiskLimitsResponse, error) {
	var d decoder
	account := d.account("account", req.GetAccount())
	if d.err != nil {
		return nil, d.err
	}
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	limits := s.feed.Limits(account)
	return &todokuv1.GetRiskLimitsResponse{Limits: limitsMessage(account, &limits)}, nil
}

// Announce tells all users, or some, something.
func (s *adminService) Announce(ctx context.Context, req *todokuv1.AnnounceRequest) (*todokuv1.AnnounceResponse, error) {
	command, err := decodeAnnounce(req)
	if err != nil {
		return nil, err
	}
	answer, err := s.administer(ctx, command)
	if err != nil {
		return nil, err
	}
	return &todokuv1.AnnounceResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, nil
}

// MassCancelForUser cancels the working orders of a user's accounts. Each account
// is a command of its own under the same request id, so that a request that was
// cut off half-way is completed by sending it again.
func (s *adminService) MassCancelForUser(ctx context.Context, req *todokuv1.MassCancelForUserRequest) (*todokuv1.MassCancelForUserResponse, error) {
	var d decoder
	request := d.request("request_id", req.GetRequestId())
	subject := d.user("user", req.GetUser())
	symbol := d.anySymbol(req.GetSymbol())
	if d.err != nil {
		return nil, d.err
	}
	user, err := s.userNow(ctx, subject)
	if err != nil {
		return nil, err
	}
	commands := make([]trade.Command, 0, len(user.Accounts))
	for _, account := range user.Accounts {
		command := &trade.MassCancel{
			Actor:  trade.Actor{Account: account, Request: request},
			Symbol: symbol, Reason: trade.ReasonByVenue,
		}
		byStaff(ctx, &command.Actor)
		commands = append(commands, command)
	}
	count, sequence := uint32(0), uint64(0)
	for _, result := range s.engine.SubmitAll(ctx, commands) {
		if result.Err != nil {
			return nil, result.Err
		}
		count += result.Answer.Count
		sequence = max(sequence, result.Answer.Sequence)
	}
	return &todokuv1.MassCancelForUserResponse{Canceled: count, Sequence: sequence, Cursor: s.cursor(sequence)}, nil
}

// BustTrade undoes a trade. The engine has forgotten it; the history brings the
// facts.
func (s *adminService) BustTrade(ctx context.Context, req *todokuv1.BustTradeRequest) (*todokuv1.BustTradeResponse, error) {
	var d decoder
	command := &trade.BustTrade{
		Actor: trade.Actor{Request: d.request("request_id", req.GetRequestId())},
		Text:  d.text("reason", req.GetReason(), trade.MaxText),
	}
	id := trade.TradeID(d.number("trade_id", req.GetTradeId()))
	if d.err != nil {
		return nil, d.err
	}
	if err := s.facts(ctx, id, command); err != nil {
		return nil, err
	}
	answer, err := s.administer(ctx, command)
	if err != nil {
		return nil, err
	}
	return &todokuv1.BustTradeResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, nil
}

// facts fills in a bust what the history knows.
func (s *Server) facts(ctx context.Context, id trade.TradeID, command *trade.BustTrade) error {
	if err := s.follower.WaitFor(ctx, s.journal.Head()); err != nil {
		return err
	}
	var ok bool
	var err error
	if command.Trade, ok, err = s.history.Trade(ctx, id); err != nil {
		return err
	}
	unknown := trade.Refuse(trade.ReasonUnknownTrade, "trade_id", "")
	if !ok {
		return unknown
	}
	for _, side := range []struct {
		order *trade.Order
		party *trade.Party
	}{{&command.Buy, &command.Trade.Buyer}, {&command.Sell, &command.Trade.Seller}} {
		*side.order, ok, err = s.history.Order(ctx, side.party.Account, trade.OrderRef{ID: side.party.Order})
		switch {
		case err != nil:
			return err
		case !ok:
			return unknown
		}
	}
	return nil
}

// ExportJournal sends the journal, record after record, as fast as the client
// takes them: a send waits for room in the stream, and nothing is read meanwhile.
func (s *adminService) ExportJournal(req *todokuv1.ExportJournalRequest, stream grpc.ServerStreamingServer[todokuv1.ExportJournalResponse]) error {
	return s.exportJournal(stream.Context(), req, stream.Send)
}

// exportJournal is ExportJournal for any door.
func (s *adminService) exportJournal(ctx context.Context, req *todokuv1.ExportJournalRequest, send func(*todokuv1.ExportJournalResponse) error) error {
	through := req.GetThrough()
	head := s.journal.Head()
	if through == 0 || through > head {
		through = head
	}
	for after := req.GetAfter(); after < through; {
		records, err := s.journal.Read(ctx, after, exportBatch)
		if err != nil {
			return err
		}
		for _, record := range records {
			if record.Sequence > through {
				return nil
			}
			after = record.Sequence
			err := send(&todokuv1.ExportJournalResponse{
				Sequence: record.Sequence, Time: timestamp(record.Time), Record: record.Data,
			})
			if err != nil {
				return &push.End{Reason: push.ReasonDisconnected, Message: "the client went away", Err: err}
			}
		}
		if len(records) == 0 {
			return nil
		}
	}
	return nil
}

// exportBatch is how many records are read at once.
const exportBatch = 256

func (s *Server) administer(ctx context.Context, command trade.Command) (trade.Answer, error) {
	byStaff(ctx, command.From())
	return s.engine.Submit(ctx, command)
}

// catchUp waits until queries reflect everything that is committed, so that who
// changed something a moment ago, through whichever server call, sees it.
func (s *Server) catchUp(ctx context.Context) error {
	if err := s.await(ctx, ""); err != nil {
		return err
	}
	return s.feed.WaitFor(ctx, s.journal.Head())
}

// userNow returns a user as of everything that is committed.
func (s *Server) userNow(ctx context.Context, id trade.UserID) (trade.User, error) {
	if err := s.catchUp(ctx); err != nil {
		return trade.User{}, err
	}
	user, ok := s.feed.User(id)
	if !ok {
		return trade.User{}, trade.Refuse(trade.ReasonUnknownUser, "user", "")
	}
	return user, nil
}
