package order

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// parseOrder reads SIDE QUANTITY SYMBOL [@ PRICE] into an order that has the values of its
// flags, and checks that they agree. Case is ignored; the price may follow the @ without a
// space. An expiry may be a duration from now. The venue decides whether it takes the order.
func parseOrder(order *todokuv1.PlaceOrderRequest, args []string, expire string, now time.Time) error {
	words, price, err := splitPrice(args)
	if err != nil {
		return err
	}
	if len(words) != 3 {
		return fmt.Errorf("an order is SIDE QUANTITY SYMBOL [@ PRICE], such as BUY 10 USDJPY @ 151.25; this has %d words before the price", len(words))
	}
	order.Symbol, order.Price = strings.ToUpper(words[2]), price
	if order.Side, err = cli.ParseWord[todokuv1.Side](words[0]); err != nil {
		return fmt.Errorf("side: %w", err)
	}
	if order.Quantity, err = cli.ParsePositive(words[1]); err != nil {
		return fmt.Errorf("quantity: %w", err)
	}
	if err := trade.Symbol(order.GetSymbol()).Validate(); err != nil {
		return err
	}
	market := order.GetType() == todokuv1.OrderType_ORDER_TYPE_MARKET
	untilTime := order.GetTimeInForce() == todokuv1.TimeInForce_TIME_IN_FORCE_GTD
	switch {
	case market && price != "":
		return fmt.Errorf("a market order has no price; leave out \"@ %s\" or give --type limit", price)
	case !market && price == "":
		return errors.New("a limit order needs a price: \"@ PRICE\" after the symbol, or --type market")
	case untilTime && expire == "":
		return errors.New("--tif GTD needs --expire, such as --expire 2h")
	case !untilTime && expire != "":
		return errors.New("--expire is for --tif GTD only")
	case untilTime:
		at, err := cli.ParseTime(expire, now)
		if err != nil {
			return fmt.Errorf("invalid --expire %q: %w", expire, err)
		}
		order.ExpireTime = timestamppb.New(at)
	}
	if id := order.GetClientOrderId(); id != "" {
		return trade.RequestID(id).Validate()
	}
	return nil
}

// splitPrice separates the price, written "@ 151.25", "@151.25" or at the symbol's end, from
// the words before it.
func splitPrice(args []string) (words []string, price string, err error) {
	before, after, found := strings.Cut(strings.Join(args, " "), "@")
	words = strings.Fields(before)
	if !found {
		return words, "", nil
	}
	switch prices := strings.Fields(after); len(prices) {
	case 0:
		return nil, "", errors.New("a price must follow the @")
	case 1:
		if price, err = cli.ParsePositive(prices[0]); err != nil {
			return nil, "", fmt.Errorf("price: %w", err)
		}
		return words, price, nil
	default:
		return nil, "", fmt.Errorf("only the price may follow the @, not %q", strings.Join(prices, " "))
	}
}
