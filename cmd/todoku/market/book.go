// Package market has the commands about what everybody sees: books and trades.
package market

import (
	"context"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	"todoku/cmd/todoku/watch"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// BookCommand shows a book.
func BookCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.GetBookRequest{}
	var stay bool
	command := &cobra.Command{
		Use: "book SYMBOL", Short: "Show an instrument's book",
		Long: `Shows the orders that rest in an instrument's book, best prices first. With --watch it
stays and shows every change until it is interrupted: redrawn on a terminal, otherwise a
line per change of the best prices; with --json the whole book per change.`,
		Example:           "  todoku book USDJPY\n  todoku book USDJPY --watch --depth 5",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: s.Complete(1, session.Symbols),
		PreRunE: func(*cobra.Command, []string) error {
			if request.GetDepth() < 1 || request.GetDepth() > cli.MaxPage {
				return cli.Usagef("invalid --depth %d: choose 1 to %d", request.GetDepth(), cli.MaxPage)
			}
			return nil
		},
	}
	command.Flags().Uint32Var(&request.Depth, "depth", 10, "levels per side, 1 to 1000")
	command.Flags().BoolVar(&stay, "watch", false, "stay and show every change")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		request.Symbol = strings.ToUpper(args[0])
		// Also before a watch: an instrument that does not exist would be a silent stream.
		reply, err := venue.Market().GetBook(ctx, request)
		switch {
		case err != nil:
			return err
		case stay:
			return watchBook(ctx, s.App, venue, request.GetSymbol(), int(request.GetDepth()))
		case s.JSON:
			return s.PrintMessage(reply)
		}
		return drawBook(s.Out, reply)
	})
}

// drawBook prints a book as a table, bids at the left.
func drawBook(out io.Writer, book *todokuv1.GetBookResponse) error {
	last := ""
	if book.GetLastPrice() != "" {
		last = ", last " + book.GetLastPrice()
	}
	if _, err := fmt.Fprintf(out, "%s%s\n", book.GetSymbol(), last); err != nil {
		return err
	}
	rows := make([][]string, max(len(book.GetBids()), len(book.GetOffers())))
	for i := range rows {
		rows[i] = make([]string, 6)
		if i < len(book.GetBids()) {
			l := book.GetBids()[i]
			copy(rows[i], []string{cli.FormatUint(l.GetOrders()), l.GetQuantity(), l.GetPrice()})
		}
		if i < len(book.GetOffers()) {
			l := book.GetOffers()[i]
			copy(rows[i][3:], []string{l.GetPrice(), l.GetQuantity(), cli.FormatUint(l.GetOrders())})
		}
	}
	return cli.WriteTable(out, rows, ">ORDERS", ">QUANTITY", ">BID", ">OFFER", ">QUANTITY", ">ORDERS")
}

// liveBook is a book as the stream delivers it.
type liveBook struct {
	symbol       string
	bids, offers map[trade.Price]*todokuv1.BookLevel
	version      uint64
	last         string
	dirty        bool
}

func newLiveBook(symbol string) *liveBook {
	return &liveBook{symbol: symbol, bids: map[trade.Price]*todokuv1.BookLevel{}, offers: map[trade.Price]*todokuv1.BookLevel{}}
}

// apply takes over a message of the stream, which has no other instrument's.
func (b *liveBook) apply(m *todokuv1.Message) error {
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_BookBegin:
		// The whole book follows.
		clear(b.bids)
		clear(b.offers)
	case *todokuv1.Message_BookUpdate:
		if err := b.level(body.BookUpdate); err != nil {
			return err
		}
	case *todokuv1.Message_BestBidOffer:
		b.version, b.last = body.BestBidOffer.GetBookVersion(), body.BestBidOffer.GetLastPrice()
	default:
		return nil
	}
	b.dirty = true
	return nil
}

func (b *liveBook) level(u *todokuv1.BookUpdate) error {
	price, err := trade.ParsePrice(u.GetLevel().GetPrice())
	if err != nil {
		return fmt.Errorf("book: %w", err)
	}
	side := b.bids
	if u.GetSide() == todokuv1.Side_SIDE_SELL {
		side = b.offers
	}
	if notation.OrZero(u.GetLevel().GetQuantity()) == "0" {
		delete(side, price)
	} else {
		side[price] = u.GetLevel()
	}
	b.version = max(b.version, u.GetBookVersion())
	return nil
}

// view returns the best levels as GetBook would.
func (b *liveBook) view(depth int, cursor string) *todokuv1.GetBookResponse {
	best := func(levels map[trade.Price]*todokuv1.BookLevel, prices []trade.Price) (best []*todokuv1.BookLevel) {
		for _, p := range prices[:min(depth, len(prices))] {
			best = append(best, levels[p])
		}
		return best
	}
	bids := slices.Sorted(maps.Keys(b.bids))
	slices.Reverse(bids)
	return &todokuv1.GetBookResponse{
		Symbol: b.symbol, Bids: best(b.bids, bids), Offers: best(b.offers, slices.Sorted(maps.Keys(b.offers))),
		BookVersion: b.version, LastPrice: b.last, Cursor: cursor,
	}
}

// watchBook follows a book until it is interrupted.
func watchBook(ctx context.Context, a *cli.App, venue *session.Venue, symbol string, depth int) error {
	book, shown := newLiveBook(symbol), ""
	return watch.Follow(ctx, a, venue, client.FeedOptions{Symbols: []string{symbol}}, false, func(u client.Update) error {
		if err := book.apply(u.Message); err != nil || u.Cursor == "" || !book.dirty {
			return err
		}
		book.dirty = false
		return showBook(a, book.view(depth, u.Cursor), &shown)
	})
}

// home puts the cursor at the top left and clears below (ECMA-48 CUP, ED).
const home = "\x1b[H\x1b[J"

// showBook shows a book that has changed; shown is the line that was printed last.
func showBook(a *cli.App, book *todokuv1.GetBookResponse, shown *string) error {
	switch {
	case a.JSON:
		return a.PrintMessage(book)
	case cli.IsTerminal(a.Out):
		var screen strings.Builder
		if err := drawBook(&screen, book); err != nil {
			return err
		}
		return a.Printf("%s%s", home, screen.String())
	}
	var bid, offer *todokuv1.BookLevel
	if len(book.GetBids()) > 0 {
		bid = book.GetBids()[0]
	}
	if len(book.GetOffers()) > 0 {
		offer = book.GetOffers()[0]
	}
	line := notation.Best(book.GetSymbol(), bid, offer, book.GetLastPrice())
	if line == *shown {
		return nil
	}
	*shown = line
	return a.Printf("%s %s\n", a.Now().Format("15:04:05"), line)
}
