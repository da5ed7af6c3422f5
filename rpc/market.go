package rpc

import (
	"context"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/trade"
)

// MarketService: what every user may see, without parties and without user names.

// ListInstruments lists all instruments by symbol.
func (s *services) ListInstruments(ctx context.Context, req *todokuv1.ListInstrumentsRequest) (*todokuv1.ListInstrumentsResponse, error) {
	if err := s.await(ctx, &decoder{}, req.GetWaitFor()); err != nil {
		return nil, err
	}
	cursor := s.cursor(s.feed.Position())
	return &todokuv1.ListInstrumentsResponse{Instruments: messages(s.feed.Instruments(), instrumentMessage), Cursor: cursor}, nil
}

// GetBook returns a book.
func (s *services) GetBook(ctx context.Context, req *todokuv1.GetBookRequest) (*todokuv1.GetBookResponse, error) {
	var d decoder
	symbol := d.symbol("symbol", req.GetSymbol())
	depth := d.count("depth", req.GetDepth(), defaultDepth)
	if err := s.await(ctx, &d, req.GetWaitFor()); err != nil {
		return nil, err
	}
	book, ok := s.feed.Book(symbol, depth)
	if !ok {
		return nil, trade.Refuse(trade.ReasonUnknownInstrument, "symbol", "")
	}
	return &todokuv1.GetBookResponse{
		Symbol:      string(book.Symbol),
		Bids:        messages(book.Bids, levelMessage),
		Offers:      messages(book.Offers, levelMessage),
		BookVersion: book.BookVersion,
		LastPrice:   priceText(book.LastPrice),
		Cursor:      s.cursor(book.Sequence),
	}, nil
}

// ListTrades lists an instrument's trades, newest first.
func (s *services) ListTrades(ctx context.Context, req *todokuv1.ListTradesRequest) (*todokuv1.ListTradesResponse, error) {
	var d decoder
	q := history.TradeQuery{Symbol: d.symbol("symbol", req.GetSymbol())}
	q.Span, q.PageRequest = d.page(req)
	if err := s.await(ctx, &d, req.GetWaitFor()); err != nil {
		return nil, err
	}
	if _, ok := s.feed.Instrument(q.Symbol); !ok {
		return nil, trade.Refuse(trade.ReasonUnknownInstrument, "symbol", "")
	}
	page, position, err := fromHistory(ctx, s, s.history.Trades, q)
	trades, next := fittingPage(page, &q, printMessage, func(t *trade.Print) uint64 { return uint64(t.ID) })
	return reply(&todokuv1.ListTradesResponse{Trades: trades, NextPageToken: next, Cursor: s.cursor(position)}, err)
}

// ListUsers lists who is online by display name.
func (s *services) ListUsers(ctx context.Context, _ *todokuv1.ListUsersRequest) (*todokuv1.ListUsersResponse, error) {
	if err := s.await(ctx, &decoder{}, ""); err != nil {
		return nil, err
	}
	return &todokuv1.ListUsersResponse{Users: messages(s.feed.Online(), func(name *string) *todokuv1.UserPresence {
		return &todokuv1.UserPresence{DisplayName: *name, Online: true}
	})}, nil
}
