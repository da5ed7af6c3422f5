package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// How an order is written: BUY 10 USDJPY @ 151.25. What is read here is only how
// it is written; whether the venue takes it is the venue's to say.

// The words of an order, in the order of their numbers in the API.
func sideWords() []string { return []string{"BUY", "SELL"} }
func typeWords() []string { return []string{"LIMIT", "MARKET"} }
func tifWords() []string  { return []string{"DAY", "GTC", "GTD", "IOC", "FOK"} }

func selfTradeWords() []string { return []string{"CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH"} }

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
		Symbol: upper(words[2]), Price: price,
	}
	if order.Quantity, err = positive("quantity", words[1]); err != nil {
		return nil, err
	}
	if err := trade.Symbol(order.GetSymbol()).Validate(); err != nil {
		return nil, err
	}
	side, err := wordIndex("side", words[0], sideWords()...)
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
		{"--type", o.orderType, typeWords(), func(i int) { order.Type = todokuv1.OrderType(i) }},
		{"--tif", o.tif, tifWords(), func(i int) { order.TimeInForce = todokuv1.TimeInForce(i) }},
		{"--self-trade", strings.ReplaceAll(o.selfTrade, "-", "_"), selfTradeWords(), func(i int) { order.SelfTrade = todokuv1.SelfTradeInstruction(i) }},
	} {
		if choice.word == "" {
			continue
		}
		i, err := wordIndex(choice.flag, choice.word, choice.words...)
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
		expire, err := parseTime("--expire", o.expire, now)
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
		price, err = positive("price", prices[0])
		return words, price, err
	default:
		return nil, "", fmt.Errorf("only the price follows the @, not %q", strings.Join(prices, " "))
	}
}

// positive checks a price or quantity and returns its shortest exact text.
func positive(what, text string) (string, error) {
	number, err := trade.ParseQuantity(text)
	switch {
	case err != nil && strings.Contains(text, ","):
		return "", fmt.Errorf("%s %q: write digits and at most one point, no commas", what, text)
	case err != nil:
		return "", fmt.Errorf("%s: %w", what, err)
	case number <= 0:
		return "", fmt.Errorf("%s %q is not greater than zero", what, text)
	}
	return number.String(), nil
}

// parseTime reads a time: how long from now ("2h"; "-2h" is ago), a local date and
// time or date, a time of today, or RFC 3339.
func parseTime(what, text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	if t, err := time.Parse(time.RFC3339Nano, text); err == nil {
		return t, nil
	}
	for _, layout := range []string{time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, fmt.Errorf("%s %q is no time: write 2h, 17:30, \"2026-01-31 17:30\" or 2026-01-31T17:30:00+09:00", what, text)
}
