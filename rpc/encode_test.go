package rpc

import (
	"bytes"
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/push/grpcpush"
	"todoku/trade"
)

var rewrite = flag.Bool("rewrite", false, "rewrite the golden files")

// everyBody is one message of each kind that the feed makes.
func everyBody() []feed.Body {
	order := trade.Order{
		ID: 7, Account: "desk", User: "alice", ClientOrderID: "a-1", Symbol: "USDJPY", Side: trade.SideBuy,
		Type: trade.OrderTypeLimit, TimeInForce: trade.TimeInForceGTD, PostOnly: true, SelfTrade: trade.SelfTradeCancelBoth,
		Price: 15_125_000_000, Quantity: 1_000_000_000, Filled: 400_000_000, Leaves: 600_000_000,
		Expire: 1_800_000_000_000_000_000, Status: trade.OrderStatusPartiallyFilled,
		Entered: 1_700_000_000_000_000_001, Updated: 1_700_000_000_000_000_002,
	}
	instrument := trade.Instrument{
		Symbol: "USDJPY", Name: "US dollar", Class: trade.AssetClassFX, Currency: "JPY", TickSize: 100_000, LotSize: 100_000_000,
		MinQuantity: 100_000_000, MaxQuantity: 100_000_000_000, HighLimitPrice: 20_000_000_000, Band: 500,
		ReferencePrice: 15_000_000_000, Disclose: true, Status: trade.TradingStatusHalted, StatusReason: "news",
	}
	return []feed.Body{
		&feed.SnapshotBegin{},
		&feed.SnapshotEnd{},
		&feed.Reset{Cause: feed.CauseTooFarBehind},
		feed.Execution{Execution: &trade.Execution{ExecutionReport: &trade.ExecutionReport{
			Type: trade.ExecTypeTrade, Order: order, Request: "a-1", LastPrice: 15_125_000_000, LastQuantity: 400_000_000,
			Trade: 3, Maker: true, Counterparty: "bob",
		}, Sequence: 12, Event: 4}},
		feed.Execution{Execution: &trade.Execution{ExecutionReport: &trade.ExecutionReport{
			Type: trade.ExecTypeRejected, Order: trade.Order{
				ID: 8, Account: "desk", Symbol: "USDJPY", Side: trade.SideSell, Type: trade.OrderTypeMarket,
				TimeInForce: trade.TimeInForceIOC, Quantity: 1, Status: trade.OrderStatusRejected,
			}, Reason: trade.ReasonOutsideBand,
		}, Sequence: 13}},
		feed.CancelRejected{CancelRejected: &trade.CancelRejected{Order: order, Request: "r-2", Reason: trade.ReasonBelowFilled}},
		&feed.PartyTrade{
			ID: 3, Symbol: "USDJPY", Account: "desk", Side: trade.SideBuy, Price: 15_125_000_000, Quantity: 400_000_000, Order: 7,
			ClientOrderID: "a-1", Maker: true, Counterparty: "bob", Status: trade.TradeStatusBusted, Time: 1_700_000_000_000_000_003, Text: "error",
		},
		feed.Position{Position: &trade.Position{Account: "desk", Symbol: "USDJPY", Quantity: -5, Cost: trade.Notional(15_125_000_000, -400_000_000), Realised: trade.Amount{Lo: 1}}},
		&feed.AccountLimits{Account: "desk", Limits: trade.Limits{
			MaxOrderQuantity: 5, MaxOrderNotional: trade.Amount{Hi: 1}, MaxOpenOrders: 3, Band: 10, MaxMessagesPerSecond: 100,
		}},
		&feed.AccountLimits{Account: "free"},
		feed.OrderState{Order: &order},
		feed.User{User: &trade.User{
			ID: "alice", DisplayName: "Alice アリス", Roles: trade.RoleTrader | trade.RoleRisk,
			Accounts: []trade.AccountID{"desk", "own"}, Online: true, Since: 1_700_000_000_000_000_000,
		}},
		&feed.Presence{DisplayName: "Bob", Online: true},
		&feed.Announcement{From: "root", Text: "Closing at five.\nGo home."},
		feed.Instrument{Instrument: &instrument},
		feed.Print{Print: &trade.Print{ID: 3, Symbol: "USDJPY", Price: 15_125_000_000, Quantity: 400_000_000, Aggressor: trade.SideSell, Status: trade.TradeStatusConcluded, Time: 9}},
		&feed.LevelUpdate{Level: trade.Level{Price: 15_125_000_000, Quantity: 600_000_000, Orders: 2}, Symbol: "USDJPY", Side: trade.SideBuy, BookVersion: 99},
		&feed.LevelUpdate{Level: trade.Level{Price: 15_125_000_000}, Symbol: "USDJPY", Side: trade.SideSell, BookVersion: 100},
		&feed.Best{Symbol: "USDJPY", Bid: trade.Level{Price: 1, Quantity: 2, Orders: 3}, BookVersion: 4, LastPrice: 5},
	}
}

// decodeEntry reads an entry as a client does: inside a response.
func decodeEntry(t *testing.T, entry []byte) *todokuv1.Message {
	t.Helper()
	res := &todokuv1.FeedNotificationResponse{}
	if err := proto.Unmarshal(entry, res); err != nil || len(res.GetMessages()) != 1 {
		t.Fatalf("%x is no entry: %v", entry, err)
	}
	return res.GetMessages()[0]
}

func TestPushedMessagesEqualTheGoldenFile(t *testing.T) {
	encoder := NewEncoder(func() uint64 { return 50 })
	var b strings.Builder
	for i, body := range everyBody() {
		m := feed.Message{Sequence: 12, Index: uint32(i), Time: 1_700_000_000_000_000_004, Body: body}
		data := encoder.Encode(m)
		if again := encoder.Encode(m); !bytes.Equal(data, again) {
			t.Errorf("%T is encoded as %x and as %x", body, data, again)
		}
		got := decodeEntry(t, data)
		if !proto.Equal(got, messageOf(&m)) {
			t.Errorf("%T came back as %v", body, got)
		}
		if got.GetBody() == nil {
			t.Errorf("%T has no body on the wire", body)
		}
		// The text has random spaces, so the bytes are compared; the text is for people.
		text := strings.Join(strings.Fields(prototext.MarshalOptions{}.Format(got)), " ")
		fmt.Fprintf(&b, "%T\n  %s\n  %s\n", body, text, hex.EncodeToString(data))
	}
	golden := filepath.Join("testdata", "messages.txt")
	if *rewrite {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if b.String() != string(want) {
		t.Errorf("pushed messages changed; check the difference and run with -rewrite:\n%s", b.String())
	}
}

func TestEveryCaseOfTheSchemaIsSent(t *testing.T) {
	made := map[protoreflect.Name]bool{}
	note := func(m *todokuv1.Message) {
		r := m.ProtoReflect()
		made[r.WhichOneof(r.Descriptor().Oneofs().ByName("body")).Name()] = true
	}
	for _, body := range everyBody() {
		note(messageOf(&feed.Message{Body: body}))
	}
	encoder := NewEncoder(func() uint64 { return 50 })
	note(decodeEntry(t, encoder.Heartbeat(push.HeartbeatInfo{Time: time.Unix(1, 0)})))
	note(decodeEntry(t, encoder.Reconnect(push.ReconnectInfo{Reason: push.ReasonShutdown})))
	note(decodeEntry(t, encoder.StateBegin("market:A")))
	note(decodeEntry(t, newTestServer().hello(feed.HelloInfo{})))
	// Not required: every heartbeat has the time when the session expires.
	made["session_update"] = true
	cases := (&todokuv1.Message{}).ProtoReflect().Descriptor().Oneofs().ByName("body").Fields()
	for i := range cases.Len() {
		if name := cases.Get(i).Name(); !made[name] {
			t.Errorf("%s is never sent", name)
		}
	}
}

func TestTheHubsOwnMessagesHaveItsValues(t *testing.T) {
	encoder := NewEncoder(func() uint64 { return 50 })
	beat := decodeEntry(t, encoder.Heartbeat(push.HeartbeatInfo{
		Cursor: push.Cursor{Epoch: "e", Sequence: 40}, Time: time.Unix(100, 0), Expiry: time.Unix(200, 0), Conflated: 3,
	})).GetHeartbeat()
	if beat.GetHeadSequence() != 50 || beat.GetConflated() != 3 || beat.GetServerTime().GetSeconds() != 100 || beat.GetSessionExpireTime().GetSeconds() != 200 {
		t.Errorf("heartbeat %v", beat)
	}
	again := decodeEntry(t, encoder.Reconnect(push.ReconnectInfo{Reason: push.ReasonStreamAge, Within: 10 * time.Second})).GetReconnect()
	if again.GetReason() != "STREAM_AGE" || again.GetWithin().AsDuration() != 10*time.Second {
		t.Errorf("reconnect %v", again)
	}
	if begin := decodeEntry(t, encoder.StateBegin("market:USDJPY")).GetBookBegin(); begin.GetSymbol() != "USDJPY" {
		t.Errorf("a book begins with %v", begin)
	}
	if encoder.StateBegin("account:desk") != nil || encoder.HasState("account:desk") || !encoder.HasState("market:A") {
		t.Error("an account has state")
	}
}

func TestAnEntryHasTheFormThatTheTransportExpects(t *testing.T) {
	m := messageOf(&feed.Message{Sequence: 1, Body: &feed.SnapshotEnd{}})
	plain, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	want := protowire.AppendTag(nil, grpcpush.Standard().Messages, protowire.BytesType)
	want = protowire.AppendBytes(want, plain)
	if got := entry(m); !bytes.Equal(got, want) {
		t.Errorf("an entry is %x, the transport wants %x", got, want)
	}
}
