// Package order has the commands about a user's own orders and positions.
package order

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// completeOrder completes SIDE QUANTITY SYMBOL @.
func completeOrder(a *cli.App) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		switch len(args) {
		case 0:
			return notation.SideWords(), cobra.ShellCompDirectiveNoFileComp
		case 2:
			return session.Complete(a, command, session.Symbols)
		case 3:
			return []string{"@"}, cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

func Command(a *cli.App) *cobra.Command {
	return a.Group("order", "Place, change, cancel and list orders",
		`Enters and changes orders. Every request has an id, a new one unless --id gives it;
the same request again under the same id is not done again and gets the same
answer. An order that the market or a limit refuses ends the command with exit code 1.`,
		orderPlaceCommand(a), orderReplaceCommand(a), orderCancelCommand(a), orderCancelAllCommand(a), orderListCommand(a))
}

func orderPlaceCommand(a *cli.App) *cobra.Command {
	var options orderOptions
	var asJSON bool
	command := &cobra.Command{
		Use: "place SIDE QUANTITY SYMBOL [@ PRICE]", Short: "Enter an order",
		Example: `  todoku order place BUY 10 USDJPY @ 151.25
  todoku order place SELL 10 USDJPY @ 151.30 --tif GTC --post-only
  todoku order place BUY 10 USDJPY --type market
  todoku order place BUY 10 USDJPY @ 151.25 --tif GTD --expire 2h --id mine-17`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: completeOrder(a),
	}
	flags := command.Flags()
	flags.StringVar(&options.orderType, "type", "", "limit or market; limit when empty")
	flags.StringVar(&options.tif, "tif", "", "how long it works: DAY, GTC, GTD, IOC or FOK; DAY when empty, IOC for a market order")
	flags.StringVar(&options.expire, "expire", "", "when a GTD order ends: 2h, 17:30 or a date and time")
	flags.BoolVar(&options.postOnly, "post-only", false, "refuse it rather than take what rests")
	flags.StringVar(&options.selfTrade, "self-trade", "", "when it meets an order of the same account: CANCEL_TAKER, CANCEL_MAKER or CANCEL_BOTH; CANCEL_TAKER when empty")
	flags.StringVar(&options.id, "id", "", "client order id; a new one when empty")
	flags.StringVar(&options.account, "account", "", "account; your default when empty")
	cli.AddJSON(command, &asJSON)
	cli.OneOf(command, "type", notation.TypeWords()...)
	cli.OneOf(command, "tif", notation.TifWords()...)
	cli.OneOf(command, "self-trade", notation.SelfTradeWords()...)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) error {
		order, err := parseOrder(args, options, a.Now())
		if err != nil {
			return cli.WrongUsage(err)
		}
		order.ClientOrderId = session.OrNewID(order.GetClientOrderId())
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			err := cli.Call(ctx, dialed.Orders().PlaceOrder, order, func(reply *todokuv1.PlaceOrderResponse) error {
				return printAnswer(a, reply.GetAnswer(), asJSON, func() string {
					return notation.SayOrder(order.GetSide(), order.GetQuantity(), order.GetSymbol(), order.GetPrice())
				})
			})
			return withID(err, order.GetClientOrderId())
		})
	})
}

func orderReplaceCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.ReplaceOrderRequest{}
	var asJSON bool
	command := &cobra.Command{
		Use: "replace {ORDER_ID | --client-id ID} [--price P] [--quantity Q]", Short: "Change price or quantity of a working order",
		Long: `Changes a working order. A smaller quantity at the same price keeps its priority; a
larger one or a new price loses it. The quantity is the total, what is filled included.`,
		Example: "  todoku order replace 17 --price 151.20\n  todoku order replace --client-id mine-17 --quantity 5",
		Args:    cobra.MaximumNArgs(1),
	}
	flags := command.Flags()
	flags.StringVar(&request.OrigClientOrderId, "client-id", "", "the order by its client order id")
	flags.StringVar(&request.Price, "price", "", "new price; the old one when empty")
	flags.StringVar(&request.Quantity, "quantity", "", "new total quantity; the old one when empty")
	flags.StringVar(&request.ClientOrderId, "id", "", "client order id of the change; a new one when empty")
	flags.StringVar(&request.Account, "account", "", "account; your default when empty")
	cli.AddJSON(command, &asJSON)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) (err error) {
		if request.OrderId, err = oneOrder(args, request.GetOrigClientOrderId()); err != nil {
			return err
		}
		if request.GetPrice() == "" && request.GetQuantity() == "" {
			return cli.Usagef("say what to change: --price, --quantity or both")
		}
		for what, number := range map[string]*string{"--price": &request.Price, "--quantity": &request.Quantity} {
			if *number == "" {
				continue
			}
			if *number, err = notation.Positive(what, *number); err != nil {
				return cli.WrongUsage(err)
			}
		}
		request.ClientOrderId = session.OrNewID(request.GetClientOrderId())
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			err := cli.Call(ctx, dialed.Orders().ReplaceOrder, request, func(reply *todokuv1.ReplaceOrderResponse) error {
				return printAnswer(a, reply.GetAnswer(), asJSON, func() string { return "replaced" })
			})
			return withID(err, request.GetClientOrderId())
		})
	})
}

func orderCancelCommand(a *cli.App) *cobra.Command {
	var clientID, id, account string
	var asJSON bool
	command := &cobra.Command{
		Use: "cancel {ORDER_ID… | --client-id ID}", Short: "Cancel working orders",
		Example: "  todoku order cancel 17 18\n  todoku order cancel --client-id mine-17",
	}
	flags := command.Flags()
	flags.StringVar(&clientID, "client-id", "", "the order by its client order id")
	flags.StringVar(&id, "id", "", "id of this request, for one order; a new one when empty")
	flags.StringVar(&account, "account", "", "account; your default when empty")
	cli.AddJSON(command, &asJSON)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, args []string) error {
		if id != "" && len(args) > 1 {
			return cli.Usagef("--id names one request, and these are %d", len(args))
		}
		if len(args) < 2 {
			if _, err := oneOrder(args, clientID); err != nil {
				return err
			}
		}
		if len(args) == 0 {
			args = []string{""}
		}
		var requests []*todokuv1.CancelOrderRequest
		for _, order := range args {
			if err := checkOrderID(order); err != nil {
				return err
			}
			requests = append(requests, &todokuv1.CancelOrderRequest{
				ClientOrderId: session.OrNewID(id), Account: account, OrderId: order, OrigClientOrderId: clientID,
			})
		}
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			return cancelEach(ctx, a, dialed, requests, asJSON)
		})
	})
}

// cancelEach cancels one order after the other and goes on after a refusal.
func cancelEach(ctx context.Context, a *cli.App, dialed *session.Venue, requests []*todokuv1.CancelOrderRequest, asJSON bool) error {
	var refused error
	for _, request := range requests {
		reply, err := dialed.Orders().CancelOrder(ctx, request)
		switch {
		case client.Reason(err) != "" && len(requests) > 1:
			a.Warn("order %s: %s", request.GetOrderId(), cli.Describe(err))
			refused = cli.ErrRefused
			continue
		case err != nil:
			return err
		}
		err = printAnswer(a, reply.GetAnswer(), asJSON, func() string { return "canceled" })
		if errors.Is(err, cli.ErrRefused) {
			refused = err
		} else if err != nil {
			return err
		}
	}
	return refused
}

func orderCancelAllCommand(a *cli.App) *cobra.Command {
	request := &todokuv1.MassCancelOrdersRequest{}
	var side, forUser string
	var asJSON bool
	command := &cobra.Command{
		Use: "cancel-all", Short: "Cancel all working orders of an account",
		Example: "  todoku order cancel-all\n  todoku order cancel-all --symbol USDJPY --side BUY\n  todoku order cancel-all --for-user bob",
		Args:    cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVar(&request.Symbol, "symbol", "", "only this instrument")
	flags.StringVar(&side, "side", "", "only BUY or SELL")
	flags.StringVar(&request.Account, "account", "", "account; your default when empty")
	flags.StringVar(&forUser, "for-user", "", "of all accounts of this user; needs RISK or ADMIN")
	flags.StringVar(&request.RequestId, "id", "", "id of this request; a new one when empty")
	cli.AddJSON(command, &asJSON)
	cli.OneOf(command, "side", notation.SideWords()...)
	session.CompleteFlag(a, command, "symbol", session.Symbols)
	return session.ClientCommand(a, command, func(ctx context.Context, c *session.Connection, _ []string) error {
		if forUser != "" && (side != "" || request.GetAccount() != "") {
			return cli.Usagef("--for-user cancels on all accounts and sides of the user; leave out --account and --side")
		}
		if side != "" {
			i, err := cli.WordIndex("--side", side, notation.SideWords()...)
			if err != nil {
				return err
			}
			request.Side = todokuv1.Side(i)
		}
		request.Symbol, request.RequestId = notation.Upper(request.GetSymbol()), session.OrNewID(request.GetRequestId())
		return session.WithClient(ctx, a, c, func(dialed *session.Venue) error {
			if forUser == "" {
				return cli.Call(ctx, dialed.Orders().MassCancelOrders, request, func(reply *todokuv1.MassCancelOrdersResponse) error {
					return a.Done(reply, asJSON, "%s canceled", notation.Count(reply.GetCanceled(), "order"))
				})
			}
			return cli.Call(ctx, dialed.Admin().MassCancelForUser, &todokuv1.MassCancelForUserRequest{
				RequestId: request.GetRequestId(), User: forUser, Symbol: request.GetSymbol(),
			}, func(reply *todokuv1.MassCancelForUserResponse) error {
				return a.Done(reply, asJSON, "%s of %s canceled", notation.Count(reply.GetCanceled(), "order"), forUser)
			})
		})
	})
}

// withID names a request whose outcome is not known, so that it can be sent again: a
// command does not wait for a venue to come back, its user may.
func withID(err error, id string) error {
	if client.OutcomeUnknown(err) {
		return fmt.Errorf("no answer came; the same command with --id %s tells what became of it: %w", id, err)
	}
	return err
}

// oneOrder checks that an order is named once: by the venue's id or by the client's.
func oneOrder(args []string, clientID string) (string, error) {
	switch {
	case len(args) == 0 && clientID == "":
		return "", cli.Usagef("say which order: its id, or --client-id")
	case len(args) > 0 && clientID != "":
		return "", cli.Usagef("say which order once: by its id or by --client-id")
	case len(args) == 0:
		return "", nil
	}
	return args[0], checkOrderID(args[0])
}

func checkOrderID(text string) error {
	if text == "" {
		return nil
	}
	if n, err := strconv.ParseUint(text, 10, 64); err != nil || n == 0 {
		return cli.Usagef("%q is no order id; \"todoku order list\" shows them, --client-id takes a name of your own", text)
	}
	return nil
}

// firstEndReason is where reasons stop to be refusals and begin to say why an
// order ended; see the table of reasons in package trade.
const firstEndReason = 700

// printAnswer prints what became of a request about an order.
func printAnswer(a *cli.App, answer *todokuv1.OrderAnswer, asJSON bool, what func() string) error {
	reason := answer.GetReason()
	refused := answer.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_REJECTED ||
		reason.GetCode() > 0 && reason.GetCode() < firstEndReason
	if asJSON {
		if err := a.PrintMessage(answer); err != nil {
			return err
		}
		if refused {
			return cli.ErrRefused
		}
		return nil
	}
	if refused {
		a.Warn("%s", sayRefusal(answer))
		return cli.ErrRefused
	}
	text := fmt.Sprintf("order %s %s: %s; %s filled, %s working", answer.GetOrderId(),
		cli.Word(answer.GetStatus(), "ORDER_STATUS_"), what(), notation.OrZero(answer.GetFilledQuantity()), notation.OrZero(answer.GetLeavesQuantity()))
	if reason.GetText() != "" {
		text += " (" + cli.OneLine(reason.GetText()) + ")"
	}
	return a.Printf("%s\n", text)
}

func sayRefusal(answer *todokuv1.OrderAnswer) string {
	text := fmt.Sprintf("%s: %s", answer.GetReason().GetName(), cli.OneLine(answer.GetReason().GetText()))
	if answer.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_REJECTED {
		return fmt.Sprintf("order %s rejected: %s", answer.GetOrderId(), text)
	}
	return fmt.Sprintf("order %s stays %s: %s", answer.GetOrderId(), cli.Word(answer.GetStatus(), "ORDER_STATUS_"), text)
}
