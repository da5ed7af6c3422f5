package apptest_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/digest"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// beats is the interval of heartbeats, which have digests.
const beats = 40 * time.Millisecond

// believer is a client that applies every message and computes the digests of its state
// from scratch at every heartbeat. It is written to be simple, not fast.
type believer struct {
	*apptest.Stream
	t      *testing.T
	name   string
	orders map[string]*todokuv1.Order
	places map[[2]string]*todokuv1.Position
	kinds  map[todokuv1.ExecType]bool
	proved int // heartbeats
	beats  int
}

// believe attaches a client; previous is the client that it resumes, or nil.
func believe(t *testing.T, d *apptest.Desktop, name string, previous *believer) *believer {
	t.Helper()
	b := &believer{t: t, name: name, orders: map[string]*todokuv1.Order{}, places: map[[2]string]*todokuv1.Position{}, kinds: map[todokuv1.ExecType]bool{}}
	subscription, resume := &todokuv1.Subscription{AllAccounts: name == "rita"}, ""
	if previous != nil {
		b.orders, b.places, b.kinds, resume = previous.orders, previous.places, previous.kinds, previous.Cursor
	}
	b.Stream = d.Attach(&request{Subscription: subscription, ResumeAfter: resume})
	return b
}

func (b *believer) take(m *todokuv1.Message) {
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_SnapshotBegin:
		clear(b.orders)
		clear(b.places)
	case *todokuv1.Message_Reset_:
		b.t.Errorf("%s: %v", b.name, body.Reset_)
	case *todokuv1.Message_Order:
		b.orders[body.Order.GetOrderId()] = body.Order
	case *todokuv1.Message_ExecutionReport:
		b.kinds[body.ExecutionReport.GetExecType()] = true
		b.orders[body.ExecutionReport.GetOrder().GetOrderId()] = body.ExecutionReport.GetOrder()
	case *todokuv1.Message_PositionUpdate:
		b.places[[2]string{body.PositionUpdate.GetAccount(), body.PositionUpdate.GetSymbol()}] = body.PositionUpdate
	}
}

// sum returns the digest of an account, or of all for "".
func (b *believer) sum(account string) (sum uint64) {
	for _, o := range b.orders {
		working := o.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_NEW || o.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_PARTIALLY_FILLED
		if working && (account == "" || o.GetAccount() == account) {
			id, err := strconv.ParseUint(o.GetOrderId(), 10, 64)
			if err != nil {
				b.t.Fatal(err)
			}
			sum += digest.Order(id, o.GetSequence())
		}
	}
	for _, p := range b.places {
		if account == "" || p.GetAccount() == account {
			sum += digest.Position(p.GetAccount(), p.GetSymbol(), p.GetSequence())
		}
	}
	return sum
}

// prove reads up to a heartbeat with digests at or after a sequence, and compares every
// digest with the state that the client has at that point.
func (b *believer) prove(through uint64) {
	b.t.Helper()
	b.Await("a digest", func(m *todokuv1.Message) bool {
		b.take(m)
		if m.GetHeartbeat() == nil {
			return false
		}
		b.beats++
		digests := m.GetHeartbeat().GetDigests()
		for _, d := range digests {
			if sum := b.sum(d.GetAccount()); sum != d.GetDigest() {
				b.t.Errorf("%s at %d: account %q holds %x, the venue says %x", b.name, m.GetSequence(), d.GetAccount(), sum, d.GetDigest())
			}
		}
		if len(digests) > 0 {
			b.proved++
		}
		return len(digests) > 0 && m.GetSequence() >= through
	})
}

// dice sends random commands, most of which a venue takes.
type dice struct {
	*rand.Rand
	t       *testing.T
	desks   []*apptest.Desktop
	admin   *apptest.Desktop
	request int
}

func (d *dice) step() (sequence uint64) {
	ctx, desk := d.t.Context(), d.desks[d.IntN(len(d.desks))]
	d.request++
	id := "r" + strconv.Itoa(d.request)
	earlier := "r" + strconv.Itoa(max(1, d.request-d.IntN(20)))
	price := strconv.Itoa(148 + d.IntN(5))
	var answer interface{ GetSequence() uint64 }
	var err error
	switch n := d.IntN(100); {
	case n < 60:
		order := apptest.Limit(id, "USDJPY", []todokuv1.Side{buy, sell}[d.IntN(2)], strconv.Itoa(1+d.IntN(30)), price)
		order.SelfTrade = todokuv1.SelfTradeInstruction(1 + d.IntN(3))
		switch d.IntN(10) {
		case 0:
			order.TimeInForce = todokuv1.TimeInForce_TIME_IN_FORCE_IOC
		case 1:
			order.TimeInForce = todokuv1.TimeInForce_TIME_IN_FORCE_GTD
			order.ExpireTime = timestamppb.New(time.Now().Add(time.Duration(d.IntN(200)) * time.Millisecond))
		case 2:
			order.PostOnly = true
		case 3:
			order.Type, order.Price = todokuv1.OrderType_ORDER_TYPE_MARKET, ""
		}
		var r *todokuv1.PlaceOrderResponse
		r, err = desk.Orders.PlaceOrder(ctx, order)
		answer = r.GetAnswer()
	case n < 80:
		var r *todokuv1.ReplaceOrderResponse
		r, err = desk.Orders.ReplaceOrder(ctx, &todokuv1.ReplaceOrderRequest{ClientOrderId: id, OrigClientOrderId: earlier, Price: price, Quantity: strconv.Itoa(1 + d.IntN(30))})
		answer = r.GetAnswer()
	case n < 92:
		var r *todokuv1.CancelOrderResponse
		r, err = desk.Orders.CancelOrder(ctx, &todokuv1.CancelOrderRequest{ClientOrderId: id, OrigClientOrderId: earlier})
		answer = r.GetAnswer()
	case n < 94:
		answer, err = desk.Orders.MassCancelOrders(ctx, &todokuv1.MassCancelOrdersRequest{RequestId: id})
	default:
		answer, err = d.admin.Admin.BustTrade(ctx, &todokuv1.BustTradeRequest{RequestId: id, TradeId: strconv.Itoa(1 + d.IntN(d.request)), Reason: "a mistake"})
	}
	if err != nil { // A refused command has no effect.
		return 0
	}
	return answer.GetSequence()
}

// TestClientAndVenueHoldTheSameState drives a venue with random commands and
// lets every client compare at every heartbeat: one of each trader, one of all accounts,
// one that disconnects and resumes, and one that attaches late. Then the venue stops and
// starts from a snapshot, and all clients resume.
func TestClientAndVenueHoldTheSameState(t *testing.T) {
	t.Parallel()
	config := apptest.Config(t.TempDir())
	config.SnapshotEvery = 50
	config.Push.HeartbeatInterval = beats
	if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	names := []string{"alice", "bob", "carol", "rita"}
	clients := map[string]*believer{}
	d := &dice{Rand: rand.New(rand.NewPCG(7, 7)), t: t}
	for round := range 3 {
		app := apptest.Serve(t, config)
		d.desks, d.admin = nil, app.SignIn("admin")
		for _, name := range names {
			desk := app.SignIn(name)
			if name != "rita" {
				d.desks = append(d.desks, desk)
			}
			clients[name] = believe(t, desk, name, clients[name])
		}
		var newest uint64
		for range 8 {
			for range 40 {
				newest = max(newest, d.step())
			}
			for _, name := range names {
				clients[name].prove(newest)
			}
		}
		late := believe(t, app.SignIn("alice"), "alice, late", nil)
		late.prove(newest)
		away := app.SignIn("bob")
		clients["bob"].Cut()
		newest = max(newest, d.step())
		clients["bob"] = believe(t, away, "bob", clients["bob"])
		clients["bob"].prove(newest)
		if held := clients["rita"].sum(""); held == 0 {
			t.Errorf("round %d: all accounts are empty", round)
		}
		for _, name := range names {
			clients[name].Cut()
		}
		late.Cut()
		app.Shutdown()
	}
	for kind, name := range todokuv1.ExecType_name {
		if e := todokuv1.ExecType(kind); kind != 0 && e != todokuv1.ExecType_EXEC_TYPE_REJECTED && !clients["rita"].kinds[e] {
			t.Errorf("no report was %s: the test is none", name)
		}
	}
	for _, name := range names {
		if b := clients[name]; b.proved*2 < b.beats {
			t.Errorf("%s: %d of %d heartbeats had digests", name, b.proved, b.beats)
		}
	}
}

func TestADigestFollowsTheSubscription(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Push.HeartbeatInterval = beats })
	alice, rita, admin := app.SignIn("alice"), app.SignIn("rita"), app.SignIn("admin")
	alice.Place(apptest.Limit("a", "USDJPY", buy, "1", "140"))
	bob := app.SignIn("bob")
	bob.Place(apptest.Limit("b", "USDJPY", buy, "1", "141"))
	desk := believe(t, rita, "rita", nil)
	desk.prove(0)
	accounts := func(b *believer, want ...string) {
		t.Helper()
		b.Await("digests of the subscription", func(m *todokuv1.Message) bool {
			b.take(m)
			digests := m.GetHeartbeat().GetDigests()
			if len(digests) != len(want) {
				return false
			}
			for i, d := range digests {
				if d.GetAccount() != want[i] || d.GetDigest() != b.sum(d.GetAccount()) {
					return false
				}
			}
			return true
		})
	}
	update := func(all bool) {
		t.Helper()
		if _, err := rita.Notifications.UpdateSubscription(t.Context(), &todokuv1.UpdateSubscriptionRequest{
			ConnectionId: rita.Connection, Subscription: &todokuv1.Subscription{AllAccounts: all},
		}); err != nil {
			t.Fatal(err)
		}
	}
	accounts(desk, "")
	update(false)
	accounts(desk, "rita")
	update(true)
	accounts(desk, "")
	if desk.sum("") == 0 || desk.sum("") != desk.sum("alice")+desk.sum("bob") {
		t.Errorf("all hold %x, alice %x and bob %x", desk.sum(""), desk.sum("alice"), desk.sum("bob"))
	}
	// Accounts that are given to a user, and taken away, in the middle of a stream.
	traders := believe(t, alice, "alice", nil)
	accounts(traders, "alice")
	for i, want := range [][]string{{"alice", "bob"}, {"bob"}, {"alice"}} {
		if _, err := admin.Admin.UpdateUser(t.Context(), &todokuv1.UpdateUserRequest{
			RequestId: "u" + strconv.Itoa(i), User: "alice", DisplayName: "Test alice", Roles: []todokuv1.Role{todokuv1.Role_ROLE_TRADER}, Accounts: want,
		}); err != nil {
			t.Fatal(err)
		}
		accounts(traders, want...)
	}
}
