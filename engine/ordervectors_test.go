package engine

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"todoku/trade"
)

// orderVector is one order, the rules that apply to it, and the venue's reason to refuse
// it, empty where the venue accepts it. Names are those of the screens' messages.
type orderVector struct {
	Instrument instrumentVector `json:"instrument"`
	// Reference is the price of the last trade, or the instrument's reference price.
	Reference  string        `json:"reference"`
	Limits     limitsVector  `json:"limits"`
	OpenOrders int           `json:"openOrders"`
	Now        int64         `json:"now"`
	Order      requestVector `json:"order"`
	Reason     string        `json:"reason"`
	Field      string        `json:"field"`
}

type instrumentVector struct {
	TickSize        string `json:"tickSize"`
	LotSize         string `json:"lotSize"`
	MinQuantity     string `json:"minQuantity"`
	MaxQuantity     string `json:"maxQuantity"`
	LowLimitPrice   string `json:"lowLimitPrice"`
	HighLimitPrice  string `json:"highLimitPrice"`
	BandBasisPoints uint32 `json:"bandBasisPoints"`
	Status          int    `json:"status"`
}

type limitsVector struct {
	MaxOrderQuantity     string `json:"maxOrderQuantity"`
	MaxOrderNotional     string `json:"maxOrderNotional"`
	MaxOpenOrders        uint32 `json:"maxOpenOrders"`
	PriceBandBasisPoints uint32 `json:"priceBandBasisPoints"`
}

type requestVector struct {
	Side        int    `json:"side"`
	Type        int    `json:"type"`
	TimeInForce int    `json:"timeInForce"`
	PostOnly    bool   `json:"postOnly"`
	Price       string `json:"price"`
	Quantity    string `json:"quantity"`
	ExpireTime  *int64 `json:"expireTime,omitempty"`
}

// orderVectors gets the reasons from an engine. Rules that need more than the order (the
// book, rates, what a screen has seen) are not included.
func orderVectors(t *testing.T) []any {
	t.Helper()
	r := rand.New(rand.NewPCG(4, 2))
	var all []any
	counts := map[string]int{}
	for range 700 {
		v := askOne(t, r)
		counts[v.Reason]++
		all = append(all, v)
	}
	for _, reason := range []string{
		"", "BAD_PRICE", "OFF_TICK", "BAD_QUANTITY", "OFF_LOT", "QUANTITY_RANGE", "BAD_TIME", "BAD_COMBINATION", "MARKET_NOT_OPEN", "MARKET_HALTED",
		"OUTSIDE_BAND", "OUTSIDE_DAY_LIMITS", "ORDER_SIZE_LIMIT", "ORDER_NOTIONAL_LIMIT", "OPEN_ORDERS_LIMIT", "PRICE_BAND_LIMIT",
	} {
		if counts[reason] < 5 {
			t.Errorf("%d orders of %d end %q", counts[reason], len(all), reason)
		}
	}
	return all
}

func askOne(t *testing.T, r *rand.Rand) orderVector {
	t.Helper()
	v := newTestVenue(t)
	v.signUp(trade.RoleTrader, "alice", "bob", "carol")
	i := someInstrument(r)
	v.must(&trade.UpsertInstrument{Instrument: i})
	reference := i.ReferencePrice
	if r.IntN(2) == 0 {
		// A trade inside the band moves the reference.
		reference += i.TickSize * trade.Price(r.Int64N(9)-4)
		v.must(limitOrder("bob", "b", trade.SideSell, reference, i.MinQuantity))
		v.must(limitOrder("carol", "c", trade.SideBuy, reference, i.MinQuantity))
	}
	open := r.IntN(4)
	for n := range open {
		v.must(limitOrder("alice", trade.RequestID("open-"+strconv.Itoa(n)), trade.SideBuy, reference-i.TickSize*5, i.MinQuantity))
	}
	size := i.MinQuantity + i.LotSize*trade.Quantity(r.Int64N(500))
	limits := someLimits(r, trade.Notional(reference, size), &i)
	v.must(&trade.SetLimits{Target: "alice", Limits: limits})
	if r.IntN(8) == 0 {
		i.Status = trade.TradingStatus(1 + r.IntN(4))
		v.must(&trade.SetTradingStatus{Symbol: i.Symbol, Status: i.Status})
	}
	c := someOrder(r, v.clock, reference, limits.Band, &i)
	if r.IntN(6) == 0 {
		// The account's maximum, or one lot more.
		c.Price, c.Quantity = reference, size+i.LotSize*trade.Quantity(r.Int64N(2))
	}
	result := v.submit(c)[0]
	said := orderVector{
		Instrument: instrumentVector{
			TickSize: i.TickSize.String(), LotSize: i.LotSize.String(), MinQuantity: i.MinQuantity.String(), MaxQuantity: i.MaxQuantity.String(),
			LowLimitPrice: i.LowLimitPrice.String(), HighLimitPrice: i.HighLimitPrice.String(), BandBasisPoints: uint32(i.Band), Status: int(i.Status),
		},
		Reference: reference.String(),
		Limits: limitsVector{
			MaxOrderQuantity: limits.MaxOrderQuantity.String(), MaxOrderNotional: limits.MaxOrderNotional.String(),
			MaxOpenOrders: limits.MaxOpenOrders, PriceBandBasisPoints: uint32(limits.Band),
		},
		OpenOrders: open, Now: v.clock.UnixMilli(),
		Order: requestVector{
			Side: int(c.Side), Type: int(c.Type), TimeInForce: int(c.TimeInForce), PostOnly: c.PostOnly, Quantity: c.Quantity.String(),
		},
	}
	if c.Price != 0 {
		said.Order.Price = c.Price.String()
	}
	if c.Expire != 0 {
		expire := c.Expire / int64(time.Millisecond)
		said.Order.ExpireTime = &expire
	}
	var refusal *trade.Refusal
	switch {
	case errors.As(result.Err, &refusal):
		said.Reason, said.Field = refusal.Reason.String(), refusal.Field
	case result.Err != nil:
		t.Fatal(result.Err)
	case result.Answer.Status == trade.OrderStatusRejected:
		said.Reason = result.Answer.Reason.String()
	}
	return said
}

func limitOrder(user trade.UserID, id trade.RequestID, side trade.Side, price trade.Price, quantity trade.Quantity) *trade.PlaceOrder {
	return &trade.PlaceOrder{
		Actor: trade.Actor{User: user, Account: trade.AccountID(user), Request: id}, Symbol: "X",
		Side: side, Type: trade.OrderTypeLimit, TimeInForce: trade.TimeInForceGTC, Price: price, Quantity: quantity,
	}
}

func someInstrument(r *rand.Rand) trade.Instrument {
	i := testInstrument("X")
	i.TickSize = trade.Price(roundStep(r))
	i.LotSize = trade.Quantity(roundStep(r))
	i.MinQuantity = i.LotSize * trade.Quantity(1+r.Int64N(3))
	i.MaxQuantity = i.MinQuantity + i.LotSize*trade.Quantity(r.Int64N(1000))
	i.ReferencePrice = i.TickSize * trade.Price(10_000+r.Int64N(min(1<<40, 1<<60/int64(i.TickSize))))
	if r.IntN(2) == 0 {
		// Bands whose edges are multiples of the tick.
		i.ReferencePrice += i.TickSize*10_000 - i.ReferencePrice%(i.TickSize*10_000)
	}
	if r.IntN(2) == 0 {
		i.Band = trade.BasisPoints(10 + r.IntN(500))
	}
	if r.IntN(2) == 0 {
		i.LowLimitPrice = i.ReferencePrice - i.TickSize*trade.Price(10+r.Int64N(300))
		i.HighLimitPrice = i.ReferencePrice + i.TickSize*trade.Price(10+r.Int64N(300))
	}
	return i
}

func someLimits(r *rand.Rand, notional trade.Amount, i *trade.Instrument) trade.Limits {
	var l trade.Limits
	if r.IntN(3) == 0 {
		l.MaxOrderQuantity = max(1, i.MaxQuantity-i.LotSize*trade.Quantity(r.Int64N(500)))
	}
	if r.IntN(3) == 0 {
		l.MaxOrderNotional = notional
	}
	if r.IntN(3) == 0 {
		l.MaxOpenOrders = uint32(1 + r.IntN(2))
	}
	if r.IntN(3) == 0 {
		l.Band = trade.BasisPoints(1 + r.IntN(300))
	}
	return l
}

func someOrder(r *rand.Rand, now time.Time, reference trade.Price, band trade.BasisPoints, i *trade.Instrument) *trade.PlaceOrder {
	c := limitOrder("alice", "asked", trade.Side(1+r.IntN(2)), 0, 0)
	c.TimeInForce = trade.TimeInForce(1 + r.IntN(5))
	c.Price = max(0, reference+i.TickSize*trade.Price(r.Int64N(801)-400))
	if b := []trade.BasisPoints{i.Band, band}[r.IntN(2)]; b != 0 && r.IntN(4) != 0 {
		// At the edge of the instrument's or the account's band, or beside it.
		low, high := bandPrices(reference, b)
		c.Price = []trade.Price{low, high}[r.IntN(2)]
		c.Price += i.TickSize*trade.Price(r.Int64N(3)-1) - c.Price%i.TickSize
	}
	if i.HighLimitPrice != 0 && r.IntN(4) == 0 {
		c.Price = []trade.Price{i.LowLimitPrice, i.HighLimitPrice}[r.IntN(2)] + i.TickSize*trade.Price(r.Int64N(3)-1)
	}
	c.Quantity = i.MinQuantity + i.LotSize*trade.Quantity(r.Int64N(int64((i.MaxQuantity-i.MinQuantity)/i.LotSize)+10))
	switch r.IntN(24) {
	case 0:
		c.Price += trade.Price(1 + r.Int64N(100))
	case 1:
		c.Quantity += trade.Quantity(1 + r.Int64N(100))
	case 2:
		c.Price = -c.Price
	case 3:
		c.Quantity = []trade.Quantity{0, -c.Quantity}[r.IntN(2)]
	case 4:
		c.Expire = now.Add(time.Hour).UnixNano()
	}
	if r.IntN(5) == 0 {
		c.Type = trade.OrderTypeMarket
		if r.IntN(8) != 0 {
			c.Price = 0
		}
		if c.TimeInForce.Rests() && r.IntN(6) != 0 {
			c.TimeInForce = trade.TimeInForceIOC
		}
	}
	if c.TimeInForce == trade.TimeInForceGTD && r.IntN(6) != 0 {
		c.Expire = now.Add(time.Duration(r.IntN(7)-1) * time.Hour).UnixNano()
	}
	// Far from the best price, a post-only order is always accepted.
	c.PostOnly = r.IntN(8) == 0 && (c.Side == trade.SideBuy || !c.TimeInForce.Rests() || c.Type == trade.OrderTypeMarket)
	return c
}
