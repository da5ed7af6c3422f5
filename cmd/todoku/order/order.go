// Package order has the commands for a user's own orders and positions.
package order

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	"todoku/cmd/todoku/session"
	todokuv1 "todoku/gen/todoku/v1"
)

// Command is the group of the commands of orders.
func Command(s *session.Session) *cobra.Command {
	return s.Group("order", "Place, change, cancel and list orders",
		`Enters and changes orders. Every request has an id, a new one unless --id gives it;
the same request again under the same id is not done again and gets the same
answer. An order that the market or a limit refuses ends the command with exit code 1.`,
		placeCommand(s, &todokuv1.PlaceOrderRequest{}), replaceCommand(s), cancelCommand(s), cancelAllCommand(s), listCommand(s))
}

func placeCommand(s *session.Session, order *todokuv1.PlaceOrderRequest) *cobra.Command {
	var expire string
	command := &cobra.Command{
		Use: "place SIDE QUANTITY SYMBOL [@ PRICE]", Short: "Enter an order",
		Example: `  todoku order place BUY 10 USDJPY @ 151.25
  todoku order place SELL 10 USDJPY @ 151.30 --tif GTC --post-only
  todoku order place BUY 10 USDJPY --type market
  todoku order place BUY 10 USDJPY @ 151.25 --tif GTD --expire 2h --id mine-17`,
		Args: cobra.MinimumNArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) error {
			return parseOrder(order, args, expire, s.Now())
		},
		ValidArgsFunction: func(command *cobra.Command, args []string, word string) ([]string, cobra.ShellCompDirective) {
			switch len(args) {
			case 0:
				return cli.Words[todokuv1.Side](), cobra.ShellCompDirectiveNoFileComp
			case 2:
				return s.Complete(0, session.Symbols)(command, args, word)
			case 3:
				return []string{"@"}, cobra.ShellCompDirectiveNoFileComp
			}
			return nil, cobra.ShellCompDirectiveNoFileComp
		},
	}
	flags := command.Flags()
	cli.EnumFlag(command, &order.Type, "type", "limit or market; limit when empty")
	cli.EnumFlag(command, &order.TimeInForce, "tif", "how long it works: DAY, GTC, GTD, IOC or FOK; DAY when empty, IOC for a market order")
	flags.StringVar(&expire, "expire", "", "when a GTD order ends: 2h, 17:30 or a date and time")
	flags.BoolVar(&order.PostOnly, "post-only", false, "reject the order if it would trade on arrival")
	cli.EnumFlag(command, &order.SelfTrade, "self-trade", "when it meets an order of the same account: CANCEL_TAKER, CANCEL_MAKER or CANCEL_BOTH; CANCEL_TAKER when empty")
	flags.StringVar(&order.ClientOrderId, "id", "", "client order id; a new one when empty")
	flags.StringVar(&order.Account, "account", "", "account; your default when empty")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, _ []string) error {
		order.ClientOrderId = session.OrNewID(order.GetClientOrderId())
		reply, err := venue.Orders().PlaceOrder(ctx, order)
		return printAnswer(s.App, reply.GetAnswer(), withID(err, order.GetClientOrderId()),
			notation.Order(order.GetSide(), order.GetQuantity(), order.GetSymbol(), order.GetPrice()))
	})
}

func replaceCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.ReplaceOrderRequest{}
	command := &cobra.Command{
		Use: "replace {ORDER_ID | --client-id ID} [--price P] [--quantity Q]", Short: "Change price or quantity of a working order",
		Long: `Changes a working order. A smaller quantity at the same price keeps its priority; a
larger one or a new price loses it. The quantity is the total, what is filled included.`,
		Example: "  todoku order replace 17 --price 151.20\n  todoku order replace --client-id mine-17 --quantity 5",
		Args:    cobra.MaximumNArgs(1),
		PreRunE: func(_ *cobra.Command, args []string) error {
			if request.GetPrice() == "" && request.GetQuantity() == "" {
				return cli.Usagef("nothing to change: give --price, --quantity or both")
			}
			return checkOrders(args, request.GetOrigClientOrderId())
		},
	}
	flags := command.Flags()
	flags.StringVar(&request.OrigClientOrderId, "client-id", "", "the order by its client order id")
	cli.DecimalFlag(flags, &request.Price, "price", "", "new price; the old one when empty")
	cli.DecimalFlag(flags, &request.Quantity, "quantity", "", "new total quantity; the old one when empty")
	flags.StringVar(&request.ClientOrderId, "id", "", "client order id of the change; a new one when empty")
	flags.StringVar(&request.Account, "account", "", "account; your default when empty")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) error {
		request.OrderId, request.ClientOrderId = strings.Join(args, ""), session.OrNewID(request.GetClientOrderId())
		reply, err := venue.Orders().ReplaceOrder(ctx, request)
		return printAnswer(s.App, reply.GetAnswer(), withID(err, request.GetClientOrderId()), "replaced")
	})
}

func cancelCommand(s *session.Session) *cobra.Command {
	var clientID, id, account string
	command := &cobra.Command{
		Use: "cancel {ORDER_ID… | --client-id ID}", Short: "Cancel working orders",
		Example: "  todoku order cancel 17 18\n  todoku order cancel --client-id mine-17",
		PreRunE: func(_ *cobra.Command, args []string) error {
			if id != "" && len(args) > 1 {
				return cli.Usagef("--id is the id of one request, and %d orders are named; cancel them one by one", len(args))
			}
			return checkOrders(args, clientID)
		},
	}
	flags := command.Flags()
	flags.StringVar(&clientID, "client-id", "", "the order by its client order id")
	flags.StringVar(&id, "id", "", "id of this request, for one order; a new one when empty")
	flags.StringVar(&account, "account", "", "account; your default when empty")
	return s.Run(command, func(ctx context.Context, venue *session.Venue, args []string) (refused error) {
		if len(args) == 0 {
			args = []string{""}
		}
		for _, order := range args {
			reply, err := venue.Orders().CancelOrder(ctx, &todokuv1.CancelOrderRequest{
				ClientOrderId: session.OrNewID(id), Account: account, OrderId: order, OrigClientOrderId: clientID,
			})
			if client.Reason(err) != "" && len(args) > 1 {
				s.Warn("order %s: %s", order, cli.Describe(err))
				err = cli.ErrRefused
			} else {
				err = printAnswer(s.App, reply.GetAnswer(), err, "canceled")
			}
			if errors.Is(err, cli.ErrRefused) {
				refused = err // The other orders are canceled too.
			} else if err != nil {
				return err
			}
		}
		return refused
	})
}

func cancelAllCommand(s *session.Session) *cobra.Command {
	request := &todokuv1.MassCancelOrdersRequest{}
	var forUser string
	command := &cobra.Command{
		Use: "cancel-all", Short: "Cancel all working orders of an account",
		Example: "  todoku order cancel-all\n  todoku order cancel-all --symbol USDJPY --side BUY\n  todoku order cancel-all --for-user bob",
		Args:    cobra.NoArgs,
		PreRunE: func(*cobra.Command, []string) error {
			if forUser != "" && (request.GetSide() != 0 || request.GetAccount() != "") {
				return cli.Usagef("--for-user cancels on all accounts and sides of the user; leave out --account and --side")
			}
			return nil
		},
	}
	flags := command.Flags()
	flags.StringVar(&request.Symbol, "symbol", "", "only this instrument")
	cli.EnumFlag(command, &request.Side, "side", "only BUY or SELL")
	flags.StringVar(&request.Account, "account", "", "account; your default when empty")
	flags.StringVar(&forUser, "for-user", "", "of all accounts of this user; needs RISK or ADMIN")
	flags.StringVar(&request.RequestId, "id", "", "id of this request; a new one when empty")
	s.CompleteFlag(command, "symbol", session.Symbols)
	return s.Run(command, func(ctx context.Context, venue *session.Venue, _ []string) error {
		request.Symbol, request.RequestId = strings.ToUpper(request.GetSymbol()), session.OrNewID(request.GetRequestId())
		if forUser == "" {
			reply, err := venue.Orders().MassCancelOrders(ctx, request)
			return s.Done(reply, err, "%s canceled", cli.Count(reply.GetCanceled(), "order"))
		}
		reply, err := venue.Admin().MassCancelForUser(ctx, &todokuv1.MassCancelForUserRequest{
			RequestId: request.GetRequestId(), User: forUser, Symbol: request.GetSymbol(),
		})
		return s.Done(reply, err, "%s of %s canceled", cli.Count(reply.GetCanceled(), "order"), forUser)
	})
}

// withID adds the id of a request whose outcome is unknown, so that the user can send it
// again: a command does not wait until a venue is back.
func withID(err error, id string) error {
	if client.OutcomeUnknown(err) {
		return fmt.Errorf("no answer came; run the same command with --id %s to learn the outcome: %w", id, err)
	}
	return err
}

// checkOrders checks that orders are named either by ids of the venue or by one client
// order id.
func checkOrders(args []string, clientID string) error {
	switch {
	case len(args) == 0 && clientID == "":
		return cli.Usagef("no order is named; give its id, or --client-id")
	case len(args) > 0 && clientID != "":
		return cli.Usagef("order ids and --client-id are both given; give only one of them")
	}
	for _, arg := range args {
		if n, err := strconv.ParseUint(arg, 10, 64); err != nil || n == 0 {
			return cli.Usagef("invalid order id %q: \"todoku order list\" shows ids; --client-id takes your own", arg)
		}
	}
	return nil
}

// firstEndReason is the first reason that says why an order ended; lower ones are refusals.
// Package trade has the table of reasons.
const firstEndReason = 700

// printAnswer prints the outcome of a request about an order, unless err is set.
func printAnswer(a *cli.App, answer *todokuv1.OrderAnswer, err error, what string) error {
	if err != nil {
		return err
	}
	reason, status := answer.GetReason(), cli.Word(answer.GetStatus())
	rejected := answer.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_REJECTED
	refused := rejected || reason.GetCode() > 0 && reason.GetCode() < firstEndReason
	text := cli.OneLine(reason.GetText())
	switch {
	case a.JSON:
		err = a.PrintMessage(answer)
	case rejected:
		a.Warn("order %s rejected: %s: %s", answer.GetOrderId(), reason.GetName(), text)
	case refused:
		a.Warn("order %s stays %s: %s: %s", answer.GetOrderId(), status, reason.GetName(), text)
	default:
		if text != "" {
			text = " (" + text + ")"
		}
		return a.Printf("order %s %s: %s; %s filled, %s working%s\n", answer.GetOrderId(), status, what,
			notation.OrZero(answer.GetFilledQuantity()), notation.OrZero(answer.GetLeavesQuantity()), text)
	}
	if err == nil && refused {
		return cli.ErrRefused
	}
	return err
}
