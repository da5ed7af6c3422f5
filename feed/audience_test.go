package feed_test

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"todoku/feed"
	"todoku/trade"
)

// told is a message in the form of the words encoder.
type told struct {
	Sequence uint64
	Index    uint32
	Type     string
	Body     map[string]any
}

func parse(t *testing.T, texts []string) []told {
	t.Helper()
	out := make([]told, len(texts))
	for i, text := range texts {
		if err := json.Unmarshal([]byte(text), &out[i]); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
	return out
}

// TestAThirdUserSubscribedToEverythingLearnsNothingOfTheOthers looks only for data that
// must not arrive: any name, order or request of another user, anywhere in the bytes.
func TestAThirdUserSubscribedToEverythingLearnsNothingOfTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 11, feed.Options{})
		// Only the parties may see the counterparty in a disclosing instrument. Roles that
		// see all accounts must request it; root does not.
		s.venue.idle["eve"], s.venue.idle["root"] = true, true
		s.play(s.venue.opening(
			trader("alice"), trader("bob"), withRole("eve", trade.RoleTrader|trade.RoleViewer), withRole("root", trade.RoleAdmin),
		)...)
		s.steps(200)
		everything := feed.Subscription{AllSymbols: true, Presence: true}
		fresh := s.attach(feed.AttachRequest{User: "eve", Connection: "fresh", Subscription: everything})
		replay := s.attach(feed.AttachRequest{User: "eve", Connection: "replay", Subscription: everything, Resume: s.cursor(0)})
		root := s.attach(feed.AttachRequest{User: "root", Subscription: everything})
		s.steps(1000)
		time.Sleep(time.Second)
		synctest.Wait()

		page, _, _, err := s.feed.Notifications(t.Context(), "eve", nil, 1000, everything)
		if err != nil {
			t.Fatal(err)
		}
		var listed []string
		for _, m := range page {
			listed = append(listed, string(words{}.Encode(m)))
		}
		for name, texts := range map[string][]string{
			"fresh": fresh.everything(), "replay": replay.everything(), "list": listed, "root": root.everything(),
		} {
			kinds := make(map[string]int)
			for _, m := range parse(t, texts) {
				kinds[m.Type]++
				raw, _ := json.Marshal(m.Body) //nolint:errchkjson // It was JSON a moment ago.
				body := string(raw)
				switch m.Type {
				case "feed.Execution", "feed.PartyTrade", "feed.Position", "feed.AccountLimits", "feed.OrderState", "feed.CancelRejected":
					t.Errorf("%s received %s", name, body)
				case "feed.User":
					if id := m.Body["ID"]; name != "root" && id != "eve" {
						t.Errorf("%s received the user %v", name, id)
					}
					continue
				}
				for _, secret := range []string{`"alice"`, `"bob"`, "request-", "again-", "Account", "Counterparty", "Buyer", "Seller", "ClientOrderID"} {
					if strings.Contains(body, secret) {
						t.Errorf("%s received %s in %s %s", name, secret, m.Type, body)
					}
				}
			}
			if kinds["feed.Print"] == 0 || kinds["feed.Presence"] == 0 {
				t.Errorf("%s saw no market or presence at all: %v", name, kinds)
			}
		}
	})
}

// everything returns all bytes that the client has.
func (c *client) everything() []string {
	first, events := c.texts()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, keys := range c.state {
		for _, data := range keys {
			events = append(events, data)
		}
	}
	return append(first, events...)
}

func TestACounterpartyIsShownOnlyWhereTheInstrumentDiscloses(t *testing.T) {
	s := newServer(t, 12, feed.Options{})
	s.play(s.venue.opening(trader("alice"), trader("bob"))...)
	s.steps(400)
	page, _, _, err := s.feed.Notifications(t.Context(), "alice", nil, 5000, feed.Subscription{})
	if err != nil {
		t.Fatal(err)
	}
	shown, hidden := 0, 0
	for _, m := range page {
		p, ok := m.Body.(*feed.PartyTrade)
		switch {
		case !ok || p.Status == trade.TradeStatusBusted:
		case p.Account != "alice":
			t.Errorf("alice received a trade as %s", p.Account)
		case p.Symbol == "AAA" && p.Counterparty == "bob":
			shown++
		case p.Symbol == "BBB" && p.Counterparty == "":
			hidden++
		default:
			t.Errorf("counterparty %q in %s", p.Counterparty, p.Symbol)
		}
	}
	if shown == 0 || hidden == 0 {
		t.Errorf("%d shown and %d hidden are too few", shown, hidden)
	}
}

func TestAnAnnouncementToSomeReachesThemOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newServer(t, 13, feed.Options{})
		s.play(s.venue.opening(trader("alice"), trader("bob"), withRole("root", trade.RoleAdmin))...)
		clients := map[trade.UserID]*client{}
		for _, id := range []trade.UserID{"alice", "bob", "root"} {
			clients[id] = s.attach(feed.AttachRequest{User: id, Subscription: feed.Subscription{AllSymbols: true, Presence: true}})
		}
		s.play(s.venue.record(trade.CommandAnnounce, &trade.Announced{
			From: "root", Text: "for bob", To: []trade.UserID{"bob", "bob"},
		}))
		synctest.Wait()
		for id, c := range clients {
			_, events := c.texts()
			want := 0
			if id == "bob" {
				want = 1
			}
			if len(events) != want {
				t.Errorf("%s received %q, want %d", id, events, want)
			}
		}
	})
}

func TestAllAccountsNeedTheRoleRiskOrAdmin(t *testing.T) {
	s := newServer(t, 14, feed.Options{})
	s.play(s.venue.opening(trader("alice"), withRole("vera", trade.RoleViewer), withRole("rick", trade.RoleRisk))...)
	all := feed.Subscription{AllAccounts: true}
	for _, id := range []trade.UserID{"alice", "vera"} {
		_, err := s.tryAttach(feed.AttachRequest{User: id, Subscription: all})
		wantError(t, err, feed.ErrNotPermitted)
		s.attach(feed.AttachRequest{User: id})
		_, err = s.feed.UpdateSubscription(t.Context(), string(id), id, all)
		wantError(t, err, feed.ErrNotPermitted)
		_, _, _, err = s.feed.Notifications(t.Context(), id, nil, 10, all)
		wantError(t, err, feed.ErrNotPermitted)
	}
	s.attach(feed.AttachRequest{User: "rick", Subscription: all})
}
