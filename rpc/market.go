package rpc

import (
	"context"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/trade"
)

// MarketService: what everybody may look at, without parties and without names
// to sign in with.

// ListInstruments lists all instruments by symbol.
func (s *marketService) ListInstruments(ctx context.Context, req *todokuv1.ListInstrumentsRequest) (*todokuv1.ListInstrumentsResponse, error) {
	if err := s.await(ctx, req.GetWaitFor()); err != nil {
		return nil, err
	}
	res := &todokuv1.ListInstrumentsResponse{Cursor: s.cursor(s.feed.Position())}
	for _, instrument := range s.feed.Instruments() {
		res.Instruments = append(res.Instruments, instrumentMessage(&instrument))
	}
	return res, nil
}

// GetBook returns a book.
func (s *marketService) GetBook(ctx context.Context, req *todokuv1.GetBookRequest) (*todokuv1.GetBookResponse, error) {
	var d decoder
	symbol := d.symbol("symbol", req.GetSymbol())
	depth := d.count("depth", req.GetDepth(), defaultDepth)
	if d.err != nil {
		return nil, d.err
	}
	if err := s.await(ctx, req.GetWaitFor()); err != nil {
		return nil, err
	}
	book, ok := s.feed.Book(symbol, depth)
	if !ok {
		return nil, trade.Refuse(trade.ReasonUnknownInstrument, "symbol", "")
	}
	return &todokuv1.GetBookResponse{
		Symbol:      string(book.Symbol),
		Bids:        levelMessages(book.Bids),
		Offers:      levelMessages(book.Offers),
		BookVersion: book.BookVersion,
		LastPrice:   priceText(book.LastPrice),
		Cursor:      s.cursor(book.Sequence),
	}, nil
}

// ListTrades lists an instrument's trades, newest first.
func (s *marketService) ListTrades(ctx context.Context, req *todokuv1.ListTradesRequest) (*todokuv1.ListTradesResponse, error) {
	var d decoder
	q := history.TradeQuery{Symbol: d.symbol("symbol", req.GetSymbol())}
	q.From, q.To = d.period(req.GetFromTime(), req.GetToTime())
	q.Size, q.Token = d.page(req.GetPageSize(), req.GetPageToken())
	if d.err != nil {
		return nil, d.err
	}
	if err := s.await(ctx, req.GetWaitFor()); err != nil {
		return nil, err
	}
	if _, ok := s.feed.Instrument(q.Symbol); !ok {
		return nil, trade.Refuse(trade.ReasonUnknownInstrument, "symbol", "")
	}
	position := s.feed.Position()
	if err := s.follower.WaitFor(ctx, position); err != nil {
		return nil, err
	}
	page, err := s.history.Trades(ctx, q)
	if err != nil {
		return nil, badPage(err)
	}
	res := &todokuv1.ListTradesResponse{NextPageToken: page.Next, Cursor: s.cursor(position)}
	for i := range page.Items {
		res.Trades = append(res.Trades, printMessage(&page.Items[i]))
	}
	return res, nil
}

// ListUsers lists who is online by display name.
func (s *marketService) ListUsers(ctx context.Context, _ *todokuv1.ListUsersRequest) (*todokuv1.ListUsersResponse, error) {
	if err := s.await(ctx, ""); err != nil {
		return nil, err
	}
	res := &todokuv1.ListUsersResponse{}
	for _, name := range s.feed.Online() {
		res.Users = append(res.Users, &todokuv1.UserPresence{DisplayName: name, Online: true})
	}
	return res, nil
}
