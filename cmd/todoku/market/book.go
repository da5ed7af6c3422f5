// Package market has the commands for public data: books and trades.
package market

import (
	"cmp"
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
		// Also before a watch, because the stream of an unknown instrument would be silent.
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
		if bid := level(book.GetBids(), i); bid != nil {
			copy(rows[i], []string{cli.FormatUint(bid.GetOrders()), bid.GetQuantity(), bid.GetPrice()})
		}
		if offer := level(book.GetOffers(), i); offer != nil {
			copy(rows[i][3:], []string{offer.GetPrice(), offer.GetQuantity(), cli.FormatUint(offer.GetOrders())})
		}
	}
	return cli.WriteTable(out, rows, ">ORDERS", ">QUANTITY", ">BID", ">OFFER", ">QUANTITY", ">ORDERS")
}

func level(levels []*todokuv1.BookLevel, i int) *todokuv1.BookLevel {
	if i < len(levels) {
		return levels[i]
	}
	return nil
}

// liveBook keeps a book up to date from a stream.
type liveBook struct {
	symbol       string
	bids, offers map[trade.Price]*todokuv1.BookLevel
	version      uint64
	last         string
	dirty        bool
}

// apply applies a message of the stream, which has no other instrument.
func (b *liveBook) apply(m *todokuv1.Message) error {
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_BookBegin:
		// The whole book follows.
		clear(b.bids)
		clear(b.offers)
	case *todokuv1.Message_BookUpdate:
		if err := b.update(body.BookUpdate); err != nil {
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

func (b *liveBook) update(u *todokuv1.BookUpdate) error {
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
	best := func(levels map[trade.Price]*todokuv1.BookLevel, compare func(a, b trade.Price) int) (best []*todokuv1.BookLevel) {
		prices := slices.SortedFunc(maps.Keys(levels), compare)
		for _, p := range prices[:min(depth, len(prices))] {
			best = append(best, levels[p])
		}
		return best
	}
	return &todokuv1.GetBookResponse{
		Symbol: b.symbol, BookVersion: b.version, LastPrice: b.last, Cursor: cursor,
		Bids:   best(b.bids, func(x, y trade.Price) int { return cmp.Compare(y, x) }),
		Offers: best(b.offers, cmp.Compare[trade.Price]),
	}
}

func watchBook(ctx context.Context, a *cli.App, venue *session.Venue, symbol string, depth int) error {
	book := &liveBook{symbol: symbol, bids: map[trade.Price]*todokuv1.BookLevel{}, offers: map[trade.Price]*todokuv1.BookLevel{}}
	shown := ""
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
	line := notation.Best(book.GetSymbol(), level(book.GetBids(), 0), level(book.GetOffers(), 0), book.GetLastPrice())
	if line == *shown {
		return nil
	}
	*shown = line
	return a.Printf("%s %s\n", a.Now().Format("15:04:05"), line)
}
