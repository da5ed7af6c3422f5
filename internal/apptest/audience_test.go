package apptest_test

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/trade"
)

// A leak is among the worst defects. A third user subscribes to everything while others do
// all that they can do, and every message and field that this user receives is compared
// with the table of audiences.

// Names of the audience test. Sign-in names, accounts, requests and private texts
// have marks that display names and market data do not have, so that a leaked one is found
// in any field.
const (
	markUser    = "uid-"
	markAccount = "acct-"
	markRequest = "req-"
	markSecret  = "psst-"
)

// cast returns the users: three who act, staff, and two who only watch.
func cast() []trade.User {
	user := func(name string, roles trade.Role) trade.User {
		return trade.User{
			ID: trade.UserID(markUser + name), DisplayName: "Trader " + strings.ToUpper(name), Roles: roles,
			Accounts: []trade.AccountID{trade.AccountID(markAccount + name)},
		}
	}
	return []trade.User{
		user("a", trade.RoleTrader), user("b", trade.RoleTrader), user("c", trade.RoleTrader),
		user("risk", trade.RoleRisk), user("admin", trade.RoleAdmin),
		user("third", trade.RoleTrader|trade.RoleViewer), user("viewer", trade.RoleViewer),
	}
}

// TestAThirdUserSubscribedToEverythingReceivesWhatTheTableSaysAndNothingElse
// compares the messages of a trader and a viewer with those that they should have received
// by the journal and the table of audiences, in both directions, and checks every field.
func TestAThirdUserSubscribedToEverythingReceivesWhatTheTableSaysAndNothingElse(t *testing.T) {
	t.Parallel()
	seed := uint64(time.Now().UnixNano())
	if s := os.Getenv("TODOKU_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	t.Logf("TODOKU_SEED=%d", seed)
	config := apptest.Config(t.TempDir())
	config.Presence.Grace = 20 * time.Millisecond
	if err := apptest.Seed(t.Context(), config.Data, cast(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	app := apptest.Serve(t, config)
	third, viewer, risk := app.SignIn(markUser+"third"), app.SignIn(markUser+"viewer"), app.SignIn(markUser+"risk")
	watchers := []*watcher{
		watch(t, third, "third", everything()),
		watch(t, viewer, "viewer", everything()),
		watch(t, risk, "risk", &todokuv1.Subscription{Symbols: []string{"*"}, Presence: true, AllAccounts: true}),
	}
	a := &actors{t: t, app: app, random: rand.New(rand.NewPCG(seed, 1)), placed: map[string][]string{}, third: third, risk: risk}
	for _, name := range []string{"a", "b", "c"} {
		a.traders = append(a.traders, app.SignIn(markUser+name))
	}
	a.admin = app.SignIn(markUser + "admin")
	theirs := a.traders[0].Place(apptest.Limit(markRequest+"a", "USDJPY", buy, "1000", "150"))
	for range 400 {
		a.act()
	}
	a.third.Place(apptest.Limit(markRequest+"third", "USDJPY", buy, "1000", "140"))
	if _, err := a.admin.Admin.MassCancelForUser(t.Context(), &todokuv1.MassCancelForUserRequest{RequestId: markRequest + "staff", User: markUser + "third"}); err != nil {
		t.Fatal(err)
	}
	a.admin.Announce("the end")

	done := map[string]int{}
	for _, w := range watchers {
		w.take(app)
	}
	apptest.EachRecord(t, config.Data, func(r *trade.Record) {
		done[r.Command.Kind.String()]++
		for _, w := range watchers {
			w.expect(r)
		}
	})
	for _, w := range watchers {
		w.compare()
	}
	if len(done) < 10 {
		t.Errorf("too little happened to prove anything: %v", done)
	}
	if risks := watchers[2]; risks.kinds["execution_report"] < 100 || watchers[0].kinds["trade_print"] < 20 {
		t.Errorf("too little happened to prove anything: %v", risks.kinds)
	}
	wantNothingListed(t, third, "third", theirs.GetOrderId())
	wantNothingListed(t, viewer, "viewer", theirs.GetOrderId())
}

// watcher is a watching user and the messages that the user received.
type watcher struct {
	t       *testing.T
	user    trade.UserID
	account trade.AccountID
	all     bool   // Sees every account.
	from    uint64 // The snapshot's sequence.
	through uint64 // The last announcement's.
	stream  *apptest.Stream
	got     map[string]int // By sequence and kind.
	want    map[string]int
	kinds   map[string]int
	books   map[string]map[string]string
}

func watch(t *testing.T, d *apptest.Desktop, name string, subscription *todokuv1.Subscription) *watcher {
	t.Helper()
	w := &watcher{
		t: t, user: trade.UserID(markUser + name), account: trade.AccountID(markAccount + name), all: subscription.GetAllAccounts(),
		stream: d.Attach(&request{Subscription: subscription}),
		got:    map[string]int{}, want: map[string]int{}, kinds: map[string]int{}, books: map[string]map[string]string{},
	}
	for _, m := range w.stream.Snapshot() {
		w.inspect(m)
	}
	w.from = sequenceOf(t, w.stream.Cursor)
	return w
}

// take reads until the end and until the books equal the venue's.
func (w *watcher) take(app *apptest.App) {
	w.t.Helper()
	w.stream.Await("the end", func(m *todokuv1.Message) bool {
		w.note(m)
		if m.GetAnnouncement().GetText() != "the end" {
			return false
		}
		w.through = m.GetSequence()
		return true
	})
	d := app.SignIn(string(w.user))
	instruments, err := d.Market.ListInstruments(w.t.Context(), &todokuv1.ListInstrumentsRequest{})
	if err != nil {
		w.t.Fatal(err)
	}
	venue := map[string]map[string]string{}
	for _, i := range instruments.GetInstruments() {
		book, err := d.Market.GetBook(w.t.Context(), &todokuv1.GetBookRequest{Symbol: i.GetSymbol(), Depth: 1000})
		if err != nil {
			w.t.Fatal(err)
		}
		levels := map[string]string{}
		for side, list := range map[todokuv1.Side][]*todokuv1.BookLevel{buy: book.GetBids(), sell: book.GetOffers()} {
			for _, l := range list {
				levels[side.String()+l.GetPrice()] = l.GetQuantity()
			}
		}
		venue[i.GetSymbol()] = levels
	}
	for !maps.EqualFunc(w.books, venue, maps.Equal[map[string]string]) {
		w.note(w.stream.Next())
	}
}

// note records one message that is not part of the snapshot.
func (w *watcher) note(m *todokuv1.Message) {
	w.t.Helper()
	w.inspect(m)
	kind := string(m.ProtoReflect().WhichOneof(m.ProtoReflect().Descriptor().Oneofs().Get(0)).Name())
	w.kinds[kind]++
	switch body := m.GetBody().(type) {
	case *todokuv1.Message_BookBegin:
		w.books[body.BookBegin.GetSymbol()] = map[string]string{}
		return
	case *todokuv1.Message_BookUpdate:
		key, levels := body.BookUpdate.GetSide().String()+body.BookUpdate.GetLevel().GetPrice(), w.books[body.BookUpdate.GetSymbol()]
		levels[key] = body.BookUpdate.GetLevel().GetQuantity()
		if levels[key] == "0" {
			delete(levels, key)
		}
		return
	case *todokuv1.Message_BestBidOffer, *todokuv1.Message_Heartbeat:
		return
	}
	if w.through == 0 || m.GetSequence() <= w.through {
		w.got[fmt.Sprintf("%d %s", m.GetSequence(), kind)]++
	}
}

// expect adds the messages that a record should cause, by the table of audiences.
func (w *watcher) expect(r *trade.Record) {
	if r.Sequence <= w.from || r.Sequence > w.through {
		return
	}
	add := func(is bool, kind string) {
		if is {
			w.want[fmt.Sprintf("%d %s", r.Sequence, kind)]++
		}
	}
	mine := func(account trade.AccountID) bool { return w.all || account == w.account }
	for _, event := range r.Events {
		switch e := event.(type) {
		case *trade.ExecutionReport:
			add(mine(e.Order.Account), "execution_report")
		case *trade.CancelRejected:
			add(mine(e.Order.Account), "cancel_reject")
		case *trade.TradeChanged:
			add(mine(e.Trade.Buyer.Account), "trade")
			add(mine(e.Trade.Seller.Account), "trade")
			add(true, "trade_print")
		case *trade.PositionChanged:
			add(mine(e.Position.Account), "position_update")
		case *trade.LimitsChanged:
			add(mine(e.Account), "limit_update")
		case *trade.InstrumentChanged:
			add(true, "instrument_update")
		case *trade.PresenceChanged:
			add(true, "user_presence")
		case *trade.Announced:
			add(len(e.To) == 0 || slices.Contains(e.To, w.user), "announcement")
		case *trade.UserChanged:
			add(e.User.ID == w.user, "user_update")
		case *trade.LevelChanged, *trade.VenueChanged, *trade.DayEnded:
		}
	}
}

func (w *watcher) compare() {
	w.t.Helper()
	for key, n := range w.want {
		if w.got[key] != n {
			w.t.Errorf("%s: %s came %d times, want %d", w.user, key, w.got[key], n)
		}
	}
	for key, n := range w.got {
		if w.want[key] == 0 {
			w.t.Errorf("%s: %s came %d times, and is not theirs", w.user, key, n)
		}
	}
}

// inspect checks every field of a message.
func (w *watcher) inspect(m *todokuv1.Message) {
	w.t.Helper()
	if w.all {
		return // A user who sees every account sees its names.
	}
	if leak := leakOf(m, string(w.user), string(w.account)); leak != "" {
		w.t.Errorf("%s received %s in %v", w.user, leak, m)
	}
}

// public lists the fields that messages to all users may have. A new field needs a
// decision here.
func public() map[string]string {
	return map[string]string{
		"TradePrint":    "trade_id symbol price quantity aggressor status time",
		"BookUpdate":    "symbol side level book_version",
		"BookLevel":     "price quantity orders",
		"BestBidOffer":  "symbol bid offer book_version last_price",
		"BookBegin":     "symbol",
		"UserPresence":  "display_name online",
		"Announcement":  "from text",
		"Heartbeat":     "server_time session_expire_time conflated head_sequence digests",
		"AccountDigest": "account digest", // Its account is a secret like any other's.
		"SnapshotBegin": "", "SnapshotEnd": "",
	}
}

// leakOf returns the part of a message that a user with one account must not see, or "".
func leakOf(m proto.Message, user, account string) string {
	leak := ""
	allowed := public()
	var walk func(protoreflect.Message)
	walk = func(m protoreflect.Message) {
		fields, listed := allowed[string(m.Descriptor().Name())]
		m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
			if listed && !slices.Contains(strings.Fields(fields), string(f.Name())) {
				leak = fmt.Sprintf("a field %s of %s", f.Name(), m.Descriptor().Name())
			}
			each := func(v protoreflect.Value) {
				switch f.Kind() { //nolint:exhaustive // Numbers and times hold no names.
				case protoreflect.MessageKind:
					walk(v.Message())
				case protoreflect.StringKind:
					if f.Name() == "counterparty" && disclosed(m) {
						return
					}
					if found := secret(string(f.Name()), v.String(), user, account); found != "" {
						leak = found
					}
				}
			}
			if f.IsList() {
				for i := range v.List().Len() {
					each(v.List().Get(i))
				}
			} else {
				each(v)
			}
			return true
		})
	}
	walk(m.ProtoReflect())
	return leak
}

// disclosed reports whether a trade or its report is in the instrument that discloses the
// counterparty.
func disclosed(m protoreflect.Message) bool {
	switch m := m.Interface().(type) {
	case *todokuv1.Trade:
		return m.GetSymbol() == "DISC"
	case *todokuv1.ExecutionReport:
		return m.GetOrder().GetSymbol() == "DISC"
	}
	return false
}

// secret returns what is wrong with a text in a field, or "".
func secret(field, text, user, account string) string {
	for _, mark := range []string{markUser, markAccount, markRequest, markSecret} {
		if !strings.Contains(text, mark) {
			continue
		}
		own := mark == markUser && text == user || mark == markAccount && text == account ||
			mark == markRequest && strings.HasPrefix(text, markRequest+"third") || mark == markSecret && text == markSecret+strings.TrimPrefix(user, markUser)
		if !own {
			return fmt.Sprintf("%s %q", field, text)
		}
	}
	return ""
}

// wantNothingListed asks for past messages, and for orders and accounts of others.
func wantNothingListed(t *testing.T, d *apptest.Desktop, name, theirs string) {
	t.Helper()
	ctx := t.Context()
	past, err := d.Notifications.ListNotifications(ctx, &todokuv1.ListNotificationsRequest{PageSize: 1000, Subscription: everything()})
	if err != nil {
		t.Fatal(err)
	}
	trades, err := d.Market.ListTrades(ctx, &todokuv1.ListTradesRequest{Symbol: "DISC", PageSize: 1000})
	if err != nil {
		t.Fatal(err)
	}
	online, err := d.Market.ListUsers(ctx, &todokuv1.ListUsersRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for _, reply := range []proto.Message{past, trades, online} {
		if leak := leakOf(reply, markUser+name, markAccount+name); leak != "" {
			t.Errorf("listed: %s", leak)
		}
	}
	other := markAccount + "a"
	for what, ask := range map[string]func(context.Context) error{
		"orders": func(ctx context.Context) error {
			_, err := d.Orders.ListOrders(ctx, &todokuv1.ListOrdersRequest{Account: other})
			return err
		},
		"executions": func(ctx context.Context) error {
			_, err := d.Orders.ListExecutions(ctx, &todokuv1.ListExecutionsRequest{Account: other})
			return err
		},
		"positions": func(ctx context.Context) error {
			_, err := d.Orders.ListPositions(ctx, &todokuv1.ListPositionsRequest{Account: other})
			return err
		},
		"an order": func(ctx context.Context) error {
			_, err := d.Orders.GetOrder(ctx, &todokuv1.GetOrderRequest{Account: other, OrderId: theirs})
			return err
		},
	} {
		if err := ask(ctx); err == nil || parseError(t, err).reason != "UNKNOWN_ACCOUNT" {
			t.Errorf("%s of another's account: %v, want UNKNOWN_ACCOUNT", what, err)
		}
	}
	if _, err := d.Orders.GetOrder(ctx, &todokuv1.GetOrderRequest{OrderId: theirs}); err == nil || parseError(t, err).reason != "UNKNOWN_ORDER" {
		t.Errorf("another's order: %v, want UNKNOWN_ORDER", err)
	}
}
