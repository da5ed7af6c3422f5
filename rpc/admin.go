package rpc

import (
	"context"

	"google.golang.org/grpc"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/trade"
)

// AdminService: the market. Users are in adminuser.go, streams in adminstream.go, the
// audit trail in audit.go.

// UpsertInstrument creates an instrument or changes its rules.
func (s *services) UpsertInstrument(ctx context.Context, req *todokuv1.UpsertInstrumentRequest) (*todokuv1.UpsertInstrumentResponse, error) {
	answer, err := administer(ctx, s.Server, req, DecodeInstrument)
	return reply(&todokuv1.UpsertInstrumentResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, err)
}

// SetTradingStatus opens, halts or closes an instrument.
func (s *services) SetTradingStatus(ctx context.Context, req *todokuv1.SetTradingStatusRequest) (*todokuv1.SetTradingStatusResponse, error) {
	answer, err := administer(ctx, s.Server, req, decodeStatus)
	return reply(&todokuv1.SetTradingStatusResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, err)
}

// SetRiskLimits sets what an account may do.
func (s *services) SetRiskLimits(ctx context.Context, req *todokuv1.SetRiskLimitsRequest) (*todokuv1.SetRiskLimitsResponse, error) {
	answer, err := administer(ctx, s.Server, req, decodeLimits)
	return reply(&todokuv1.SetRiskLimitsResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, err)
}

// GetRiskLimits returns what an account may do.
func (s *services) GetRiskLimits(ctx context.Context, req *todokuv1.GetRiskLimitsRequest) (*todokuv1.GetRiskLimitsResponse, error) {
	var d decoder
	account := d.account("account", req.GetAccount())
	err := s.catchUp(ctx, &d)
	limits := s.feed.Limits(account)
	return reply(&todokuv1.GetRiskLimitsResponse{Limits: limitsMessage(account, &limits)}, err)
}

// Announce sends a text to all users, or to some.
func (s *services) Announce(ctx context.Context, req *todokuv1.AnnounceRequest) (*todokuv1.AnnounceResponse, error) {
	answer, err := administer(ctx, s.Server, req, decodeAnnounce)
	return reply(&todokuv1.AnnounceResponse{Sequence: answer.Sequence, Cursor: s.cursor(answer.Sequence)}, err)
}

// MassCancelForUser cancels the working orders of a user's accounts. Each account
// is a command of its own under the same request id, so that a request that stopped
// half-way is completed by sending it again.
func (s *services) MassCancelForUser(ctx context.Context, req *todokuv1.MassCancelForUserRequest) (*todokuv1.MassCancelForUserResponse, error) {
	var d decoder
	request := d.request("request_id", req.GetRequestId())
	subject := d.user("user", req.GetUser())
	symbol := optional("symbol", req.GetSymbol(), d.symbol)
	user, err := s.userNow(ctx, &d, subject)
	if err != nil {
		return nil, err
	}
	commands := make([]trade.Command, 0, len(user.Accounts))
	for _, account := range user.Accounts {
		commands = append(commands, &trade.MassCancel{
			Actor:  trade.Actor{User: callerOf(ctx).user.ID, Account: account, Request: request},
			Symbol: symbol, Reason: trade.ReasonByVenue,
		})
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

// ExportJournal sends the journal record by record. It reads no further while a send
// waits for room in the stream.
func (s *services) ExportJournal(req *todokuv1.ExportJournalRequest, stream grpc.ServerStreamingServer[todokuv1.ExportJournalResponse]) error {
	return s.exportJournal(stream.Context(), req, stream.Send)
}

// exportBatch is how many records are read at once.
const exportBatch = 256

// exportJournal is ExportJournal for any door.
func (s *Server) exportJournal(ctx context.Context, req *todokuv1.ExportJournalRequest, send func(*todokuv1.ExportJournalResponse) error) error {
	through := s.journal.Head()
	if req.GetThrough() != 0 {
		through = min(through, req.GetThrough())
	}
	for after := req.GetAfter(); after < through; {
		records, err := s.journal.Read(ctx, after, exportBatch)
		if err != nil || len(records) == 0 {
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
				return &push.End{Reason: push.ReasonDisconnected, Message: "the client disconnected", Err: err}
			}
		}
	}
	return nil
}

// administer submits the command of a request, with the caller as its actor and for no
// account: its request id is unique per user.
func administer[Q any, C trade.Command](ctx context.Context, s *Server, req Q, decode func(Q) (C, error)) (trade.Answer, error) {
	command, err := decode(req)
	if err != nil {
		return trade.Answer{}, err
	}
	command.From().User = callerOf(ctx).user.ID
	return s.engine.Submit(ctx, command)
}

// catchUp waits until queries reflect everything that is committed, so that a caller
// sees a change that the caller made a moment ago, by any call. It first returns d's
// error.
func (s *Server) catchUp(ctx context.Context, d *decoder) error {
	if err := s.await(ctx, d, ""); err != nil {
		return err
	}
	return s.feed.WaitFor(ctx, s.journal.Head())
}

// userNow returns a user as of everything that is committed. It first returns d's error.
func (s *Server) userNow(ctx context.Context, d *decoder, id trade.UserID) (trade.User, error) {
	if err := s.catchUp(ctx, d); err != nil {
		return trade.User{}, err
	}
	user, ok := s.feed.User(id)
	if !ok {
		return trade.User{}, trade.Refuse(trade.ReasonUnknownUser, "user", "")
	}
	return user, nil
}
