package rpc

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/push"
	"todoku/trade"
)

// Fuzzed alone: nothing here needs the other test files of this package.

// refusedAs checks that an error is a refusal with a reason and a field.
func refusedAs(t *testing.T, what string, err error, reason trade.Reason, field string) {
	t.Helper()
	var refusal *trade.Refusal
	if !errors.As(err, &refusal) || refusal.Reason != reason || refusal.Field != field {
		t.Errorf("%s: got %v, want %s of %s", what, err, reason, field)
	}
}

func goodOrder() *todokuv1.PlaceOrderRequest {
	return &todokuv1.PlaceOrderRequest{
		ClientOrderId: "a-1", Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY, Price: "151.25", Quantity: "10",
	}
}

// place decodes an order.
func place(req *todokuv1.PlaceOrderRequest) (*trade.PlaceOrder, error) {
	c := &trade.PlaceOrder{}
	return c, decodePlace(req, c)
}

func TestAnOrderHasDefaultsForAbsentFields(t *testing.T) {
	limit, err := place(goodOrder())
	if err != nil {
		t.Fatal(err)
	}
	if limit.Type != trade.OrderTypeLimit || limit.TimeInForce != trade.TimeInForceDay || limit.SelfTrade != trade.SelfTradeCancelTaker ||
		limit.Price.String() != "151.25" || limit.Quantity.String() != "10" {
		t.Errorf("read %+v", limit)
	}
	req := goodOrder()
	req.Type, req.Price = todokuv1.OrderType_ORDER_TYPE_MARKET, ""
	market, err := place(req)
	if err != nil || market.TimeInForce != trade.TimeInForceIOC || market.Price != 0 {
		t.Errorf("read %+v, %v", market, err)
	}
}

func TestEveryFieldOfAnOrderIsChecked(t *testing.T) {
	for what, c := range map[string]struct {
		spoil  func(*todokuv1.PlaceOrderRequest)
		reason trade.Reason
		field  string
	}{
		"no id":           {func(r *todokuv1.PlaceOrderRequest) { r.ClientOrderId = "" }, trade.ReasonBadName, "client_order_id"},
		"huge id":         {func(r *todokuv1.PlaceOrderRequest) { r.ClientOrderId = strings.Repeat("x", 10_000) }, trade.ReasonBadName, "client_order_id"},
		"control in id":   {func(r *todokuv1.PlaceOrderRequest) { r.ClientOrderId = "a\x00b" }, trade.ReasonBadName, "client_order_id"},
		"not UTF-8":       {func(r *todokuv1.PlaceOrderRequest) { r.ClientOrderId = "a\xff" }, trade.ReasonBadName, "client_order_id"},
		"no symbol":       {func(r *todokuv1.PlaceOrderRequest) { r.Symbol = "" }, trade.ReasonBadName, "symbol"},
		"small symbol":    {func(r *todokuv1.PlaceOrderRequest) { r.Symbol = "usdjpy" }, trade.ReasonBadName, "symbol"},
		"no side":         {func(r *todokuv1.PlaceOrderRequest) { r.Side = 0 }, trade.ReasonBadEnum, "side"},
		"unknown side":    {func(r *todokuv1.PlaceOrderRequest) { r.Side = 3 }, trade.ReasonBadEnum, "side"},
		"negative side":   {func(r *todokuv1.PlaceOrderRequest) { r.Side = -1 }, trade.ReasonBadEnum, "side"},
		"huge side":       {func(r *todokuv1.PlaceOrderRequest) { r.Side = math.MaxInt32 }, trade.ReasonBadEnum, "side"},
		"side plus 256":   {func(r *todokuv1.PlaceOrderRequest) { r.Side = 257 }, trade.ReasonBadEnum, "side"},
		"unknown type":    {func(r *todokuv1.PlaceOrderRequest) { r.Type = 9 }, trade.ReasonBadEnum, "type"},
		"unknown tif":     {func(r *todokuv1.PlaceOrderRequest) { r.TimeInForce = 6 }, trade.ReasonBadEnum, "time_in_force"},
		"unknown stp":     {func(r *todokuv1.PlaceOrderRequest) { r.SelfTrade = 4 }, trade.ReasonBadEnum, "self_trade"},
		"price in words":  {func(r *todokuv1.PlaceOrderRequest) { r.Price = "ten" }, trade.ReasonBadPrice, "price"},
		"exponent":        {func(r *todokuv1.PlaceOrderRequest) { r.Price = "1e3" }, trade.ReasonBadPrice, "price"},
		"nine places":     {func(r *todokuv1.PlaceOrderRequest) { r.Price = "0.000000001" }, trade.ReasonBadPrice, "price"},
		"price past 2^63": {func(r *todokuv1.PlaceOrderRequest) { r.Price = "92233720368547758" }, trade.ReasonBadPrice, "price"},
		"quantity":        {func(r *todokuv1.PlaceOrderRequest) { r.Quantity = "1,000" }, trade.ReasonBadQuantity, "quantity"},
		"time before":     {func(r *todokuv1.PlaceOrderRequest) { r.ExpireTime = &timestamppb.Timestamp{Seconds: -1} }, trade.ReasonBadTime, "expire_time"},
		"time after": {func(r *todokuv1.PlaceOrderRequest) {
			r.ExpireTime = &timestamppb.Timestamp{Seconds: math.MaxInt64 / 1_000_000_000}
		}, trade.ReasonBadTime, "expire_time"},
		"bad nanos": {func(r *todokuv1.PlaceOrderRequest) { r.ExpireTime = &timestamppb.Timestamp{Seconds: 1, Nanos: -1} }, trade.ReasonBadTime, "expire_time"},
	} {
		req := goodOrder()
		c.spoil(req)
		_, err := place(req)
		refusedAs(t, what, err, c.reason, c.field)
		sheet := newAnswerSheet(8)
		if err := sheet.refuse(7, req, err); err != nil || sheet.list[7].GetField() != "orders[7]."+c.field {
			t.Errorf("%s: entry 7 is answered %v, %v", what, sheet.list[7], err)
		}
	}
}

func TestAReplaceKeepsEmptyFieldsAndRefusesZero(t *testing.T) {
	good := func() *todokuv1.ReplaceOrderRequest {
		return &todokuv1.ReplaceOrderRequest{ClientOrderId: "r-1", OrderId: "7", Price: "2"}
	}
	c, err := decodeReplace(good())
	if err != nil || c.Target.ID != 7 || c.Quantity != 0 || c.Price.String() != "2" {
		t.Errorf("read %+v, %v", c, err)
	}
	for what, c := range map[string]struct {
		spoil  func(*todokuv1.ReplaceOrderRequest)
		reason trade.Reason
		field  string
	}{
		"zero price":        {func(r *todokuv1.ReplaceOrderRequest) { r.Price = "0" }, trade.ReasonBadPrice, "price"},
		"negative price":    {func(r *todokuv1.ReplaceOrderRequest) { r.Price = "-1" }, trade.ReasonBadPrice, "price"},
		"zero quantity":     {func(r *todokuv1.ReplaceOrderRequest) { r.Quantity = "0.0" }, trade.ReasonBadQuantity, "quantity"},
		"nothing to change": {func(r *todokuv1.ReplaceOrderRequest) { r.Price = "" }, trade.ReasonBadCombination, "price"},
		"no order":          {func(r *todokuv1.ReplaceOrderRequest) { r.OrderId = "" }, trade.ReasonBadCombination, "order_id"},
		"both names":        {func(r *todokuv1.ReplaceOrderRequest) { r.OrigClientOrderId = "a" }, trade.ReasonBadCombination, "orig_client_order_id"},
		"order zero":        {func(r *todokuv1.ReplaceOrderRequest) { r.OrderId = "0" }, trade.ReasonBadNumber, "order_id"},
		"leading zero":      {func(r *todokuv1.ReplaceOrderRequest) { r.OrderId = "07" }, trade.ReasonBadNumber, "order_id"},
		"signed":            {func(r *todokuv1.ReplaceOrderRequest) { r.OrderId = "+7" }, trade.ReasonBadNumber, "order_id"},
		"past 2^64":         {func(r *todokuv1.ReplaceOrderRequest) { r.OrderId = "18446744073709551616" }, trade.ReasonBadNumber, "order_id"},
		"bad original": {
			func(r *todokuv1.ReplaceOrderRequest) { r.OrderId, r.OrigClientOrderId = "", " a" },
			trade.ReasonBadName, "orig_client_order_id",
		},
	} {
		req := good()
		c.spoil(req)
		_, err := decodeReplace(req)
		refusedAs(t, what, err, c.reason, c.field)
	}
}

func TestEveryFieldOfAnInstrumentIsChecked(t *testing.T) {
	good := &todokuv1.UpsertInstrumentRequest{RequestId: "r", Instrument: &todokuv1.Instrument{
		Symbol: "USDJPY", Name: "Dollar", AssetClass: todokuv1.AssetClass_ASSET_CLASS_FX, Currency: "JPY",
		TickSize: "0.001", LotSize: "1000", MinQuantity: "1000", MaxQuantity: "1000000",
		BandBasisPoints: 500, ReferencePrice: "150", Status: todokuv1.TradingStatus_TRADING_STATUS_OPEN,
	}}
	if _, err := DecodeInstrument(good); err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		spoil  func(*todokuv1.Instrument)
		reason trade.Reason
		field  string
	}{
		"symbol":    {func(i *todokuv1.Instrument) { i.Symbol = "usd" }, trade.ReasonBadName, "symbol"},
		"name":      {func(i *todokuv1.Instrument) { i.Name = strings.Repeat("n", 101) }, trade.ReasonBadText, "name"},
		"class":     {func(i *todokuv1.Instrument) { i.AssetClass = 0 }, trade.ReasonBadEnum, "asset_class"},
		"tick":      {func(i *todokuv1.Instrument) { i.TickSize = "" }, trade.ReasonBadPrice, "tick_size"},
		"tick text": {func(i *todokuv1.Instrument) { i.TickSize = "x" }, trade.ReasonBadPrice, "tick_size"},
		"lot":       {func(i *todokuv1.Instrument) { i.LotSize = "-1" }, trade.ReasonBadQuantity, "lot_size"},
		"minimum":   {func(i *todokuv1.Instrument) { i.MinQuantity = "1" }, trade.ReasonBadQuantity, "min_quantity"},
		"maximum":   {func(i *todokuv1.Instrument) { i.MaxQuantity = "1" }, trade.ReasonBadQuantity, "max_quantity"},
		"low":       {func(i *todokuv1.Instrument) { i.LowLimitPrice = "0.0001" }, trade.ReasonBadPrice, "low_limit_price"},
		"high":      {func(i *todokuv1.Instrument) { i.HighLimitPrice = "0.0001" }, trade.ReasonBadPrice, "high_limit_price"},
		"band":      {func(i *todokuv1.Instrument) { i.BandBasisPoints = 10_001 }, trade.ReasonBadNumber, "band_basis_points"},
		"reference": {func(i *todokuv1.Instrument) { i.ReferencePrice = "" }, trade.ReasonBadPrice, "reference_price"},
		"status":    {func(i *todokuv1.Instrument) { i.Status = 5 }, trade.ReasonBadEnum, "status"},
	} {
		req := proto.CloneOf(good)
		c.spoil(req.GetInstrument())
		_, err := DecodeInstrument(req)
		refusedAs(t, what, err, c.reason, "instrument."+c.field)
	}
	_, err := DecodeInstrument(&todokuv1.UpsertInstrumentRequest{RequestId: "r"})
	refusedAs(t, "no instrument at all", err, trade.ReasonBadName, "instrument.symbol")
}

func TestOtherRequestsNameTheWrongField(t *testing.T) {
	long := strings.Repeat("t", trade.MaxText+1)
	for what, c := range map[string]struct {
		decode func() error
		reason trade.Reason
		field  string
	}{
		"mass cancel side": {func() error {
			_, err := decodeMassCancel(&todokuv1.MassCancelOrdersRequest{RequestId: "r", Side: 7})
			return err
		}, trade.ReasonBadEnum, "side"},
		"mass cancel id": {func() error {
			_, err := decodeMassCancel(&todokuv1.MassCancelOrdersRequest{})
			return err
		}, trade.ReasonBadName, "request_id"},
		"status": {func() error {
			_, err := decodeStatus(&todokuv1.SetTradingStatusRequest{RequestId: "r", Symbol: "A"})
			return err
		}, trade.ReasonBadEnum, "status"},
		"status reason": {func() error {
			_, err := decodeStatus(&todokuv1.SetTradingStatusRequest{RequestId: "r", Symbol: "A", Status: 2, Reason: long})
			return err
		}, trade.ReasonBadText, "reason"},
		"limits of nobody": {func() error {
			_, err := decodeLimits(&todokuv1.SetRiskLimitsRequest{RequestId: "r"})
			return err
		}, trade.ReasonBadName, "limits.account"},
		"negative limit": {func() error {
			_, err := decodeLimits(&todokuv1.SetRiskLimitsRequest{RequestId: "r", Limits: &todokuv1.RiskLimits{Account: "a", MaxOrderNotional: "-1"}})
			return err
		}, trade.ReasonBadNumber, "limits.max_order_notional"},
		"announcing nothing": {func() error {
			_, err := decodeAnnounce(&todokuv1.AnnounceRequest{RequestId: "r"})
			return err
		}, trade.ReasonBadText, "text"},
		"announcing to a malformed name": {func() error {
			_, err := decodeAnnounce(&todokuv1.AnnounceRequest{RequestId: "r", Text: "x", Users: []string{"ok", "Bad Name"}})
			return err
		}, trade.ReasonBadName, "users[1]"},
		"page size": {func() error {
			var d decoder
			d.page(&todokuv1.ListTradesRequest{PageSize: 1001})
			return d.err
		}, trade.ReasonBadNumber, "page_size"},
		"page token": {func() error {
			var d decoder
			d.page(&todokuv1.ListTradesRequest{PageToken: strings.Repeat("x", maxPageToken+1)})
			return d.err
		}, trade.ReasonBadName, "page_token"},
		"period": {func() error {
			var d decoder
			d.page(&todokuv1.ListTradesRequest{FromTime: timestamppb.New(time.Unix(2, 0)), ToTime: timestamppb.New(time.Unix(1, 0))})
			return d.err
		}, trade.ReasonBadTime, "to_time"},
		"grace": {func() error {
			var d decoder
			d.duration("cancel_on_disconnect", durationpb.New(time.Second), minCancelOnDisconnect, maxCancelOnDisconnect)
			return d.err
		}, trade.ReasonBadNumber, "cancel_on_disconnect"},
	} {
		refusedAs(t, what, c.decode(), c.reason, c.field)
	}
}

func TestTheFirstWrongFieldIsNamed(t *testing.T) {
	_, err := place(&todokuv1.PlaceOrderRequest{})
	refusedAs(t, "empty order", err, trade.ReasonBadName, "client_order_id")
}

func TestSubscriptionsAreReadOrRefusedByName(t *testing.T) {
	read := func(m *todokuv1.Subscription) (feed.Subscription, error) {
		var d decoder
		got := d.subscription(m)
		return got, d.err
	}
	got, err := read(&todokuv1.Subscription{
		Symbols: []string{"USDJPY", "6E"}, Presence: true, StateInterval: durationpb.New(time.Second),
	})
	if err != nil || len(got.Symbols) != 2 || !got.Presence || got.AllSymbols || got.StateInterval != time.Second {
		t.Errorf("read %+v, %v", got, err)
	}
	if got, err = read(&todokuv1.Subscription{Symbols: []string{"*"}}); err != nil || !got.AllSymbols {
		t.Errorf("read %+v, %v", got, err)
	}
	if got, err = read(nil); err != nil || got.Presence {
		t.Errorf("read %+v, %v", got, err)
	}
	for _, bad := range []*todokuv1.Subscription{
		{Symbols: []string{"usdjpy"}},
		{Symbols: make([]string, feed.MaxSymbols+1)},
		{StateInterval: durationpb.New(push.MinStateInterval - 1)},
		{StateInterval: durationpb.New(push.MaxStateInterval + 1)},
		{StateInterval: &durationpb.Duration{Seconds: 1, Nanos: -1}},
	} {
		if _, err := read(bad); !errors.Is(err, feed.ErrBadSubscription) {
			t.Errorf("%.40v is refused as %v", bad, err)
		}
	}
}

func TestAnAccountOfAnotherUserIsUnknown(t *testing.T) {
	mine := caller{user: trade.User{ID: "alice", Roles: trade.RoleTrader, Accounts: []trade.AccountID{"alice", "desk"}}}
	staff := caller{user: trade.User{ID: "rita", Roles: trade.RoleRisk, Accounts: []trade.AccountID{"rita"}}}
	for _, c := range []struct {
		who  caller
		why  purpose
		name string
		want trade.AccountID
	}{
		{mine, toTrade, "", "alice"},
		{mine, toTrade, "desk", "desk"},
		{mine, toSeeOrCancel, "desk", "desk"},
		{mine, toSeeOrCancel, "bob", ""},
		{mine, toTrade, "bob", ""},
		{staff, toSeeOrCancel, "bob", "bob"},
		{staff, toTrade, "bob", ""},
		{caller{}, toTrade, "", ""},
	} {
		got, err := c.who.accountFor(c.why, c.name)
		if got != c.want || (err == nil) != (c.want != "") {
			t.Errorf("%s naming %q gets %q, %v", c.who.user.ID, c.name, got, err)
		}
		if err != nil {
			refusedAs(t, c.name, err, trade.ReasonUnknownAccount, "account")
		}
	}
	_, err := mine.accountFor(toTrade, "No Name")
	refusedAs(t, "malformed", err, trade.ReasonBadName, "account")
}

func FuzzWaitForCursor(f *testing.F) {
	for _, text := range []string{"", "e:1", "e:01", ":1", "e:", "e:18446744073709551616", "é:1"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var d decoder
		c := d.cursor("wait_for", text)
		err := d.err
		switch {
		case err != nil:
			if !errors.Is(err, push.ErrBadCursor) {
				t.Fatalf("%q: %v", text, err)
			}
		case c == nil:
			if text != "" {
				t.Fatalf("%q is no cursor", text)
			}
		case c.String() != text:
			t.Fatalf("%q reads as %q", text, c)
		}
	})
}

func FuzzAuditPageToken(f *testing.F) {
	for _, p := range []auditPlace{
		{until: 1}, {until: 1 << 60, sequence: 7, access: 3}, {until: 5, done: commandsDone, access: 8}, {until: 5, done: accessDone},
	} {
		f.Add(p.token(42), uint64(42))
		f.Add(p.token(42), uint64(43))
	}
	f.Add("not base64!", uint64(0))
	f.Fuzz(func(t *testing.T, token string, scope uint64) {
		p, err := parseAuditPlace(token, scope)
		if err != nil {
			if !errors.Is(err, history.ErrBadPageToken) {
				t.Fatalf("%q: %v", token, err)
			}
			return
		}
		if token != "" && p.token(scope) != token {
			t.Fatalf("%q reads as %+v, which is %q", token, p, p.token(scope))
		}
	})
}

func FuzzDecodePlaceOrder(f *testing.F) {
	seed, err := proto.Marshal(goodOrder())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, data []byte) {
		req := &todokuv1.PlaceOrderRequest{}
		if proto.Unmarshal(data, req) != nil {
			return
		}
		c, err := place(req)
		if err != nil {
			var refusal *trade.Refusal
			if !errors.As(err, &refusal) || refusal.Field == "" || refusal.Reason/100 != 1 {
				t.Fatalf("refused as %v", err)
			}
			return
		}
		if c.Request.Validate() != nil || c.Symbol.Validate() != nil || c.Side < trade.SideBuy || c.Side > trade.SideSell ||
			c.TimeInForce < trade.TimeInForceDay || c.TimeInForce > trade.TimeInForceFOK || c.Expire < 0 {
			t.Fatalf("read %+v", c)
		}
	})
}
