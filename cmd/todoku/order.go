package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

func (a *app) orderCommand() *cobra.Command {
	return a.group("order", "Place, change, cancel and list orders",
		`Enters and changes orders. Every request has an id, a new one unless --id gives it;
the same request again under the same id is not done again and gets the same
answer. An order that the market or a limit refuses ends the command with exit code 1.`,
		a.orderPlaceCommand(), a.orderReplaceCommand(), a.orderCancelCommand(), a.orderCancelAllCommand(), a.orderListCommand())
}

func (a *app) orderPlaceCommand() *cobra.Command {
	var options orderOptions
	var asJSON bool
	command := &cobra.Command{
		Use: "place SIDE QUANTITY SYMBOL [@ PRICE]", Short: "Enter an order",
		Example: `  todoku order place BUY 10 USDJPY @ 151.25
  todoku order place SELL 10 USDJPY @ 151.30 --tif GTC --post-only
  todoku order place BUY 10 USDJPY --type market
  todoku order place BUY 10 USDJPY @ 151.25 --tif GTD --expire 2h --id mine-17`,
		Args:              cobra.MinimumNArgs(1),
		ValidArgsFunction: a.completeOrder,
	}
	flags := command.Flags()
	flags.StringVar(&options.orderType, "type", "", "limit or market; limit when empty")
	flags.StringVar(&options.tif, "tif", "", "how long it works: DAY, GTC, GTD, IOC or FOK; DAY when empty, IOC for a market order")
	flags.StringVar(&options.expire, "expire", "", "when a GTD order ends: 2h, 17:30 or a date and time")
	flags.BoolVar(&options.postOnly, "post-only", false, "refuse it rather than take what rests")
	flags.StringVar(&options.selfTrade, "self-trade", "", "when it meets an order of the same account: CANCEL_TAKER, CANCEL_MAKER or CANCEL_BOTH; CANCEL_TAKER when empty")
	flags.StringVar(&options.id, "id", "", "client order id; a new one when empty")
	flags.StringVar(&options.account, "account", "", "account; your default when empty")
	addJSON(command, &asJSON)
	oneOf(command, "type", typeWords()...)
	oneOf(command, "tif", tifWords()...)
	oneOf(command, "self-trade", selfTradeWords()...)
	return a.clientCommand(command, func(ctx context.Context, c *connection, args []string) error {
		order, err := parseOrder(args, options, a.now())
		if err != nil {
			return &usageError{err}
		}
		order.ClientOrderId = orNewID(order.GetClientOrderId())
		return a.withClient(ctx, c, func(dialed *venue) error {
			err := call(ctx, dialed.Orders().PlaceOrder, order, func(reply *todokuv1.PlaceOrderResponse) error {
				return a.printAnswer(reply.GetAnswer(), asJSON, func() string {
					return sayOrder(order.GetSide(), order.GetQuantity(), order.GetSymbol(), order.GetPrice())
				})
			})
			return withID(err, order.GetClientOrderId())
		})
	})
}

func (a *app) orderReplaceCommand() *cobra.Command {
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
	addJSON(command, &asJSON)
	return a.clientCommand(command, func(ctx context.Context, c *connection, args []string) (err error) {
		if request.OrderId, err = oneOrder(args, request.GetOrigClientOrderId()); err != nil {
			return err
		}
		if request.GetPrice() == "" && request.GetQuantity() == "" {
			return usagef("say what to change: --price, --quantity or both")
		}
		for what, number := range map[string]*string{"--price": &request.Price, "--quantity": &request.Quantity} {
			if *number == "" {
				continue
			}
			if *number, err = positive(what, *number); err != nil {
				return &usageError{err}
			}
		}
		request.ClientOrderId = orNewID(request.GetClientOrderId())
		return a.withClient(ctx, c, func(dialed *venue) error {
			err := call(ctx, dialed.Orders().ReplaceOrder, request, func(reply *todokuv1.ReplaceOrderResponse) error {
				return a.printAnswer(reply.GetAnswer(), asJSON, func() string { return "replaced" })
			})
			return withID(err, request.GetClientOrderId())
		})
	})
}

func (a *app) orderCancelCommand() *cobra.Command {
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
	addJSON(command, &asJSON)
	return a.clientCommand(command, func(ctx context.Context, c *connection, args []string) error {
		if id != "" && len(args) > 1 {
			return usagef("--id names one request, and these are %d", len(args))
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
				ClientOrderId: orNewID(id), Account: account, OrderId: order, OrigClientOrderId: clientID,
			})
		}
		return a.withClient(ctx, c, func(dialed *venue) error {
			return a.cancelEach(ctx, dialed, requests, asJSON)
		})
	})
}

// cancelEach cancels one order after the other and goes on after a refusal.
func (a *app) cancelEach(ctx context.Context, dialed *venue, requests []*todokuv1.CancelOrderRequest, asJSON bool) error {
	var refused error
	for _, request := range requests {
		reply, err := dialed.Orders().CancelOrder(ctx, request)
		switch {
		case client.Reason(err) != "" && len(requests) > 1:
			a.warn("order %s: %s", request.GetOrderId(), describe(err))
			refused = errRefused
			continue
		case err != nil:
			return err
		}
		err = a.printAnswer(reply.GetAnswer(), asJSON, func() string { return "canceled" })
		if errors.Is(err, errRefused) {
			refused = err
		} else if err != nil {
			return err
		}
	}
	return refused
}

func (a *app) orderCancelAllCommand() *cobra.Command {
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
	addJSON(command, &asJSON)
	oneOf(command, "side", sideWords()...)
	a.completeFlag(command, "symbol", a.symbols)
	return a.clientCommand(command, func(ctx context.Context, c *connection, _ []string) error {
		if forUser != "" && (side != "" || request.GetAccount() != "") {
			return usagef("--for-user cancels on all accounts and sides of the user; leave out --account and --side")
		}
		if side != "" {
			i, err := wordIndex("--side", side, sideWords()...)
			if err != nil {
				return err
			}
			request.Side = todokuv1.Side(i)
		}
		request.Symbol, request.RequestId = upper(request.GetSymbol()), orNewID(request.GetRequestId())
		return a.withClient(ctx, c, func(dialed *venue) error {
			if forUser == "" {
				return call(ctx, dialed.Orders().MassCancelOrders, request, func(reply *todokuv1.MassCancelOrdersResponse) error {
					return a.done(reply, asJSON, "%s canceled", count(reply.GetCanceled(), "order"))
				})
			}
			return call(ctx, dialed.Admin().MassCancelForUser, &todokuv1.MassCancelForUserRequest{
				RequestId: request.GetRequestId(), User: forUser, Symbol: request.GetSymbol(),
			}, func(reply *todokuv1.MassCancelForUserResponse) error {
				return a.done(reply, asJSON, "%s of %s canceled", count(reply.GetCanceled(), "order"), forUser)
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
		return "", usagef("say which order: its id, or --client-id")
	case len(args) > 0 && clientID != "":
		return "", usagef("say which order once: by its id or by --client-id")
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
		return usagef("%q is no order id; \"todoku order list\" shows them, --client-id takes a name of your own", text)
	}
	return nil
}

func orNewID(id string) string {
	if id == "" {
		return client.NewRequestID()
	}
	return id
}

// firstEndReason is where reasons stop to be refusals and begin to say why an
// order ended; see the table of reasons in package trade.
const firstEndReason = 700

// printAnswer prints what became of a request about an order.
func (a *app) printAnswer(answer *todokuv1.OrderAnswer, asJSON bool, what func() string) error {
	reason := answer.GetReason()
	refused := answer.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_REJECTED ||
		reason.GetCode() > 0 && reason.GetCode() < firstEndReason
	if asJSON {
		if err := a.printMessage(answer); err != nil {
			return err
		}
		if refused {
			return errRefused
		}
		return nil
	}
	if refused {
		a.warn("%s", sayRefusal(answer))
		return errRefused
	}
	text := fmt.Sprintf("order %s %s: %s; %s filled, %s working", answer.GetOrderId(),
		word(answer.GetStatus(), "ORDER_STATUS_"), what(), orZero(answer.GetFilledQuantity()), orZero(answer.GetLeavesQuantity()))
	if reason.GetText() != "" {
		text += " (" + oneLine(reason.GetText()) + ")"
	}
	return a.printf("%s\n", text)
}

func sayRefusal(answer *todokuv1.OrderAnswer) string {
	text := fmt.Sprintf("%s: %s", answer.GetReason().GetName(), oneLine(answer.GetReason().GetText()))
	if answer.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_REJECTED {
		return fmt.Sprintf("order %s rejected: %s", answer.GetOrderId(), text)
	}
	return fmt.Sprintf("order %s stays %s: %s", answer.GetOrderId(), word(answer.GetStatus(), "ORDER_STATUS_"), text)
}

// sayOrder writes an order as it is typed.
func sayOrder(side todokuv1.Side, quantity, symbol, price string) string {
	text := fmt.Sprintf("%s %s %s", word(side, "SIDE_"), quantity, symbol)
	if price == "" {
		return text + " at the market"
	}
	return text + " @ " + price
}

func orZero(number string) string {
	if number == "" {
		return "0"
	}
	return number
}

func count(n uint32, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
