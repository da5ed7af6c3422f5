// Package market has the commands about what everybody sees: books and trades.
package market

import (
	"context"
	"fmt"
	"io"
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

func BookCommand(a *cli.App) *cobra.Command {
	var depth uint32
	var watch, asJSON bool
	command := &cobra.Command{
		Use: "book SYMBOL", Short: "Show an instrument's book",
		Long: `Shows what rests in an instrument's book, best prices first. With --watch it stays and
shows every change until it is interrupted: redrawn on a terminal, otherwise a line
per change of the best prices; with --json the whole book per change.`,
		Example:           "  todoku book USDJPY\n  todoku book USDJPY --watch --depth 5",
		Args:              cobra.ExactArgs(1),
		ValidArgsFunction: session.CompleteFirst(a, session.Symbols),
	}
	command.Flags().Uint32Var(&depth, "depth", 10, "levels per side, 1 to 1000")
	command.Flags().BoolVar(&watch, "watch", false, "stay and show every change")
	cli.AddJSON(command, &asJSON)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) error {
		if depth < 1 || depth > cli.MaxPage {
			return cli.Usagef("--depth is from 1 to %d", cli.MaxPage)
		}
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			if watch {
				return watchBook(ctx, a, dialed, notation.Upper(args[0]), int(depth), asJSON)
			}
			return cli.Call(ctx, dialed.Market().GetBook, &todokuv1.GetBookRequest{Symbol: notation.Upper(args[0]), Depth: depth},
				func(reply *todokuv1.GetBookResponse) error {
					if asJSON {
						return a.PrintMessage(reply)
					}
					return drawBook(a.Out, reply)
				})
		})
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
	var rows [][]string
	for i := range max(len(book.GetBids()), len(book.GetOffers())) {
		row := make([]string, 6)
		if i < len(book.GetBids()) {
			l := book.GetBids()[i]
			row[0], row[1], row[2] = cli.FormatUint(l.GetOrders()), l.GetQuantity(), l.GetPrice()
		}
		if i < len(book.GetOffers()) {
			l := book.GetOffers()[i]
			row[3], row[4], row[5] = l.GetPrice(), l.GetQuantity(), cli.FormatUint(l.GetOrders())
		}
		rows = append(rows, row)
	}
	return cli.WriteTable(out, cli.Right("ORDERS", "QUANTITY", "BID", "OFFER", "QUANTITY", "ORDERS"), rows)
}

// liveBook is a book as the stream tells it.
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

// apply takes a message of the stream over.
func (b *liveBook) apply(m *todokuv1.Message) error {
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_BookBegin:
		if body.BookBegin.GetSymbol() == b.symbol {
			// What has gone meanwhile does not come again.
			clear(b.bids)
			clear(b.offers)
			b.dirty = true
		}
	case *todokuv1.Message_BookUpdate:
		u := body.BookUpdate
		if u.GetSymbol() != b.symbol {
			return nil
		}
		return b.level(u)
	case *todokuv1.Message_BestBidOffer:
		if body.BestBidOffer.GetSymbol() == b.symbol {
			b.version, b.last, b.dirty = body.BestBidOffer.GetBookVersion(), body.BestBidOffer.GetLastPrice(), true
		}
	}
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
	b.version, b.dirty = max(b.version, u.GetBookVersion()), true
	return nil
}

// view returns the best levels as GetBook would.
func (b *liveBook) view(depth int, cursor string) *todokuv1.GetBookResponse {
	side := func(levels map[trade.Price]*todokuv1.BookLevel, descending bool) []*todokuv1.BookLevel {
		prices := make([]trade.Price, 0, len(levels))
		for p := range levels {
			prices = append(prices, p)
		}
		slices.Sort(prices)
		if descending {
			slices.Reverse(prices)
		}
		var best []*todokuv1.BookLevel
		for _, p := range prices[:min(depth, len(prices))] {
			best = append(best, levels[p])
		}
		return best
	}
	return &todokuv1.GetBookResponse{
		Symbol: b.symbol, Bids: side(b.bids, true), Offers: side(b.offers, false),
		BookVersion: b.version, LastPrice: b.last, Cursor: cursor,
	}
}

// watchBook follows a book until it is interrupted.
func watchBook(ctx context.Context, a *cli.App, dialed *session.Venue, symbol string, depth int, asJSON bool) error {
	// An instrument that does not exist would be a silent stream.
	if _, err := dialed.Market().GetBook(ctx, &todokuv1.GetBookRequest{Symbol: symbol, Depth: 1}); err != nil {
		return err
	}
	book := newLiveBook(symbol)
	show := bookShower(a, asJSON)
	return watch.Follow(ctx, a, dialed, client.FeedOptions{Symbols: []string{symbol}}, false, func(u client.Update) error {
		if err := book.apply(u.Message); err != nil {
			return err
		}
		if u.Cursor == "" || !book.dirty {
			return nil
		}
		book.dirty = false
		return show(book.view(depth, u.Cursor))
	})
}

// home puts the cursor at the top left and clears below (ECMA-48 CUP, ED).
const home = "\x1b[H\x1b[J"

// bookShower returns how a book is shown each time it has changed.
func bookShower(a *cli.App, asJSON bool) func(*todokuv1.GetBookResponse) error {
	switch {
	case asJSON:
		return func(book *todokuv1.GetBookResponse) error { return a.PrintMessage(book) }
	case cli.IsTerminal(a.Out):
		return func(book *todokuv1.GetBookResponse) error {
			var screen strings.Builder
			screen.WriteString(home)
			if err := drawBook(&screen, book); err != nil {
				return err
			}
			_, err := io.WriteString(a.Out, screen.String())
			return err
		}
	}
	shown := ""
	return func(book *todokuv1.GetBookResponse) error {
		var bid, offer *todokuv1.BookLevel
		if len(book.GetBids()) > 0 {
			bid = book.GetBids()[0]
		}
		if len(book.GetOffers()) > 0 {
			offer = book.GetOffers()[0]
		}
		line := notation.SayBest(book.GetSymbol(), bid, offer, book.GetLastPrice())
		if line == shown {
			return nil
		}
		shown = line
		return a.Printf("%s %s\n", a.Now().Format("15:04:05"), line)
	}
}
