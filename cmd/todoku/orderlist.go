package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"
	"google.golang.org/protobuf/types/known/timestamppb"

	todokuv1 "todoku/gen/todoku/v1"
)

// maxPage is the most that the API returns at once.
const maxPage = 1000

func (a *app) orderListCommand() *cobra.Command {
	request := &todokuv1.ListOrdersRequest{}
	var asJSON, all bool
	var span timeSpan
	command := &cobra.Command{
		Use: "list", Short: "List working orders, or finished ones too",
		Example: "  todoku order list\n  todoku order list --all --symbol USDJPY --from -24h",
		Args:    cobra.NoArgs,
	}
	flags := command.Flags()
	flags.BoolVar(&all, "all", false, "finished orders too")
	flags.StringVar(&request.Symbol, "symbol", "", "only this instrument")
	flags.StringVar(&request.Account, "account", "", "account; your default when empty")
	span.define(command, "orders")
	addJSON(command, &asJSON)
	a.completeFlag(command, "symbol", a.symbols)
	return a.clientCommand(command, func(ctx context.Context, c *connection, _ []string) (err error) {
		if request.FromTime, request.ToTime, err = span.read(a.now()); err != nil {
			return err
		}
		request.Symbol, request.WorkingOnly = upper(request.GetSymbol()), !all
		return a.withClient(ctx, c, func(dialed *venue) error {
			return printPages(a, asJSON, span.limit, func(size uint32, token string) ([]*todokuv1.Order, string, error) {
				request.PageSize, request.PageToken = size, token
				reply, err := dialed.Orders().ListOrders(ctx, request)
				return reply.GetOrders(), reply.GetNextPageToken(), err
			}, orderColumns(), orderRow)
		})
	})
}

func orderColumns() []column {
	return columns(right("ORDER"), left("ENTERED", "SIDE"), right("QUANTITY"), left("SYMBOL"), right("PRICE"),
		right("FILLED", "LEAVES"), left("TIF", "STATUS", "ACCOUNT", "CLIENT ID"))
}

func orderRow(o *todokuv1.Order) []string {
	price := o.GetPrice()
	if price == "" {
		price = "market"
	}
	return []string{
		o.GetOrderId(), localTime(o.GetEnteredTime()), word(o.GetSide(), "SIDE_"), o.GetQuantity(), o.GetSymbol(), price,
		orZero(o.GetFilledQuantity()), orZero(o.GetLeavesQuantity()), word(o.GetTimeInForce(), "TIME_IN_FORCE_"),
		word(o.GetStatus(), "ORDER_STATUS_"), o.GetAccount(), o.GetClientOrderId(),
	}
}

// timeSpan are the flags of lists that go back in time.
type timeSpan struct {
	from, to string
	limit    uint32
}

func (s *timeSpan) define(command *cobra.Command, what string) {
	command.Flags().StringVar(&s.from, "from", "", "since this time: -24h, 09:00, \"2026-01-31 09:00\"")
	command.Flags().StringVar(&s.to, "to", "", "before this time")
	command.Flags().Uint32Var(&s.limit, "limit", 100, "at most so many "+what+", the newest; 0 for all")
}

func (s *timeSpan) read(now time.Time) (from, to *timestamppb.Timestamp, err error) {
	if s.from != "" {
		t, err := parseTime("--from", s.from, now)
		if err != nil {
			return nil, nil, &usageError{err}
		}
		from = timestamppb.New(t)
	}
	if s.to != "" {
		t, err := parseTime("--to", s.to, now)
		if err != nil {
			return nil, nil, &usageError{err}
		}
		to = timestamppb.New(t)
	}
	return from, to, nil
}
