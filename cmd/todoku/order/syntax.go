package order

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/notation"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// orderOptions are the flags of an order.
type orderOptions struct {
	orderType, tif, selfTrade, expire string
	postOnly                          bool
	id, account                       string
}

// parseOrder reads SIDE QUANTITY SYMBOL [@ PRICE] and the flags. Case does not
// matter, nor whether the price is glued to its @. It reads the clock only from
// now, for an expiry that is written as a duration.
func parseOrder(args []string, options orderOptions, now time.Time) (*todokuv1.PlaceOrderRequest, error) {
	words, price, err := splitPrice(args)
	if err != nil {
		return nil, err
	}
	if len(words) != 3 {
		return nil, fmt.Errorf("an order is SIDE QUANTITY SYMBOL [@ PRICE], such as BUY 10 USDJPY @ 151.25; this has %d of the first three", len(words))
	}
	order := &todokuv1.PlaceOrderRequest{
		ClientOrderId: options.id, Account: options.account, PostOnly: options.postOnly,
		Symbol: notation.Upper(words[2]), Price: price,
	}
	if order.Quantity, err = notation.Positive("quantity", words[1]); err != nil {
		return nil, err
	}
	if err := trade.Symbol(order.GetSymbol()).Validate(); err != nil {
		return nil, err
	}
	side, err := cli.WordIndex("side", words[0], notation.SideWords()...)
	if err != nil {
		return nil, err
	}
	order.Side = todokuv1.Side(side)
	if err := options.apply(order, now); err != nil {
		return nil, err
	}
	return order, nil
}

// apply reads the flags into an order and checks that they go together.
func (o *orderOptions) apply(order *todokuv1.PlaceOrderRequest, now time.Time) error {
	for _, choice := range []struct {
		flag, word string
		words      []string
		into       func(int)
	}{
		{"--type", o.orderType, notation.TypeWords(), func(i int) { order.Type = todokuv1.OrderType(i) }},
		{"--tif", o.tif, notation.TifWords(), func(i int) { order.TimeInForce = todokuv1.TimeInForce(i) }},
		{"--self-trade", strings.ReplaceAll(o.selfTrade, "-", "_"), notation.SelfTradeWords(), func(i int) { order.SelfTrade = todokuv1.SelfTradeInstruction(i) }},
	} {
		if choice.word == "" {
			continue
		}
		i, err := cli.WordIndex(choice.flag, choice.word, choice.words...)
		if err != nil {
			return err
		}
		choice.into(i)
	}
	market := order.GetType() == todokuv1.OrderType_ORDER_TYPE_MARKET
	untilTime := order.GetTimeInForce() == todokuv1.TimeInForce_TIME_IN_FORCE_GTD
	switch {
	case market && order.GetPrice() != "":
		return fmt.Errorf("a market order has no price; leave out \"@ %s\" or say --type limit", order.GetPrice())
	case !market && order.GetPrice() == "":
		return errors.New("a limit order needs a price: \"@ PRICE\" after the symbol, or --type market")
	case untilTime && o.expire == "":
		return errors.New("--tif GTD needs --expire, such as --expire 2h")
	case !untilTime && o.expire != "":
		return errors.New("--expire goes with --tif GTD")
	case untilTime:
		expire, err := cli.ParseTime("--expire", o.expire, now)
		if err != nil {
			return err
		}
		order.ExpireTime = timestamppb.New(expire)
	}
	if o.id != "" {
		if err := trade.RequestID(o.id).Validate(); err != nil {
			return err
		}
	}
	return nil
}

// splitPrice takes the price, written "@ 151.25" or "@151.25" or at the symbol's
// end, from the words before it.
func splitPrice(args []string) (words []string, price string, err error) {
	before, after, found := strings.Cut(strings.Join(args, " "), "@")
	words = strings.Fields(before)
	if !found {
		return words, "", nil
	}
	switch prices := strings.Fields(after); len(prices) {
	case 0:
		return nil, "", errors.New("a price follows the @")
	case 1:
		price, err = notation.Positive("price", prices[0])
		return words, price, err
	default:
		return nil, "", fmt.Errorf("only the price follows the @, not %q", strings.Join(prices, " "))
	}
}
