package apptest_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/durationpb"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// informed returns the users informed of an event, as "user acknowledged", sorted.
func informed(t *testing.T, admin *apptest.Desktop, request *todokuv1.ListToldRequest) []string {
	t.Helper()
	reply, err := admin.Admin.ListTold(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, fact := range reply.GetTold() {
		if at := fact.GetAcknowledgeTime(); at != nil && at.AsTime().Before(fact.GetCommitTime().AsTime()) {
			t.Errorf("acknowledged before it was committed: %v", fact)
		}
		lines = append(lines, fmt.Sprintf("%s %t", fact.GetUser(), fact.GetAcknowledgeTime() != nil))
	}
	slices.Sort(lines)
	return lines
}

// TestAnAdministratorSeesWhoWasInformedAlsoAfterARestart sends the report of alice's order
// to her, who acknowledges it, and to risk, who does not, but not to bob, who receives only
// the print of the trade, which is another event.
func TestAnAdministratorSeesWhoWasInformedAlsoAfterARestart(t *testing.T) {
	t.Parallel()
	config := apptest.Config(t.TempDir())
	if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	app := apptest.Serve(t, config)
	admin, alice, bob, rita := app.SignIn("admin"), app.SignIn("alice"), app.SignIn("bob"), app.SignIn("rita")
	own, watching := alice.Attach(&request{}), rita.Attach(&request{Subscription: &todokuv1.Subscription{AllAccounts: true}})
	uninvolved := bob.Attach(&request{Subscription: everything()})
	for _, s := range []*apptest.Stream{own, watching, uninvolved} {
		s.Snapshot()
	}
	answer := alice.Place(apptest.Limit("one", "USDJPY", todokuv1.Side_SIDE_BUY, "10", "150"))
	own.Report("one", todokuv1.ExecType_EXEC_TYPE_NEW)
	watching.Report("one", todokuv1.ExecType_EXEC_TYPE_NEW)
	own.Acknowledge()

	want := []string{"alice true", "rita false"}
	of := &todokuv1.ListToldRequest{Sequence: answer.GetSequence()}
	if got := informed(t, admin, of); !slices.Equal(got, want) {
		t.Errorf("informed of the order: %q, want %q", got, want)
	}
	if got := informed(t, admin, &todokuv1.ListToldRequest{OrderId: answer.GetOrderId()}); !slices.Equal(got, want) {
		t.Errorf("asked by its number: %q, want %q", got, want)
	}
	if got := informed(t, admin, &todokuv1.ListToldRequest{Sequence: answer.GetSequence(), User: "alice"}); !slices.Equal(got, want[:1]) {
		t.Errorf("for alice only: %q", got)
	}

	// A later client gets the state in a snapshot, and not the event.
	late := alice.Another()
	late.Attach(&request{}).Snapshot()
	if got := informed(t, admin, of); !slices.Equal(got, want) {
		t.Errorf("after a later client: %q, want %q", got, want)
	}
	for user, d := range map[string]*apptest.Desktop{"rita": rita, "alice": alice} {
		_, err := d.Admin.ListTold(t.Context(), of)
		if got := parseError(t, err); got.code != codes.PermissionDenied {
			t.Errorf("%s, who is not an administrator, got %v", user, got)
		}
	}

	app.Shutdown()
	app = apptest.Serve(t, config)
	if got := informed(t, app.SignIn("admin"), of); !slices.Equal(got, want) {
		t.Errorf("after a restart: %q, want %q", got, want)
	}
}

// TestAConnectionIsListedWithDeliveriesAndDisconnectCause asks for a stream
// by its connection while it lives, and after its client canceled or closed.
func TestAConnectionIsListedWithDeliveriesAndDisconnectCause(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Push.HeartbeatInterval = time.Second })
	admin := app.SignIn("admin")
	ask := func(d *apptest.Desktop) *todokuv1.ConnectionInfo {
		t.Helper()
		reply, err := admin.Admin.ListConnections(t.Context(), &todokuv1.ListConnectionsRequest{ConnectionId: d.Connection, Ended: 1})
		if err != nil {
			t.Fatal(err)
		}
		if len(reply.GetConnections()) != 1 {
			return nil
		}
		return reply.GetConnections()[0]
	}
	for want, leave := range map[string]func(d *apptest.Desktop, s *apptest.Stream){
		"CLIENT_CANCELED": func(_ *apptest.Desktop, s *apptest.Stream) { s.Cut() },
		"CLIENT_CLOSED":   func(d *apptest.Desktop, _ *apptest.Stream) { _ = d.Conn.Close() },
	} {
		t.Run(want, func(t *testing.T) {
			d := app.SignIn("alice")
			s := d.Attach(&request{})
			s.Snapshot()
			admin.Announce("hello " + want)
			s.Until("hello " + want)
			receipt := s.Acknowledgement(0)
			for range 2 { // A client paints from its second word on.
				s.Await("a heartbeat", func(m *todokuv1.Message) bool { return m.GetHeartbeat() != nil })
				receipt = s.Acknowledgement(s.Number)
				receipt.PaintedNumber, receipt.PaintedAgo = receipt.GetResponseNumber(), durationpb.New(time.Millisecond)
				if _, err := d.Notifications.AcknowledgeNotifications(t.Context(), receipt); err != nil {
					t.Fatal(err)
				}
			}
			info := ask(d)
			if info == nil || info.GetDelivery().GetSent().GetCount() == 0 || info.GetDelivery().GetAcknowledged().GetCount() == 0 ||
				len(info.GetDelivery().GetRecent()) == 0 || info.GetDelivery().GetPaintedNumber() != receipt.GetPaintedNumber() ||
				info.GetAcknowledgedNumber() < receipt.GetResponseNumber() {
				t.Fatalf("live: %v", info)
			}
			leave(d, s)
			wantEventually(t, func() bool {
				info = ask(d)
				return info.GetEndTime() != nil
			}, "the end is recorded")
			if info.GetEndReason() != "DISCONNECTED" || info.GetEndCause() != want {
				t.Errorf("it ended %s, %s; want DISCONNECTED, %s", info.GetEndReason(), info.GetEndCause(), want)
			}
		})
	}
}

// TestEvidenceSurvivesAKilledProcess kills a venue that has sent an order on a stream,
// which has not acknowledged it.
func TestEvidenceSurvivesAKilledProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	process := apptest.Launch(t, dir)
	process.Start()
	alice, admin := apptest.Client(t, process.Address, "alice"), apptest.Client(t, process.Address, "admin")
	evidence := func(sequence uint64) *todokuv1.Told {
		t.Helper()
		reply, err := admin.Admin().ListTold(t.Context(), &todokuv1.ListToldRequest{Sequence: sequence, User: "alice"})
		if err != nil {
			t.Fatal(err)
		}
		if len(reply.GetTold()) != 1 {
			return nil
		}
		return reply.GetTold()[0]
	}
	var sequence uint64
	for u, err := range alice.Feed(t.Context(), client.FeedOptions{}) {
		if err != nil {
			t.Fatal(err)
		}
		if u.Message.GetSnapshotEnd() != nil {
			reply, err := alice.Orders().PlaceOrder(t.Context(), apptest.Limit("one", "USDJPY", todokuv1.Side_SIDE_BUY, "10", "150"))
			if err != nil {
				t.Fatal(err)
			}
			sequence = reply.GetAnswer().GetSequence()
		}
		if u.Message.GetExecutionReport() != nil {
			wantEventually(t, func() bool { return evidence(sequence) != nil }, "that her delivery is stored")
			process.Kill()
			break
		}
	}
	process.Start()
	if got := evidence(sequence); got.GetEndReason() != "PROCESS_GONE" || got.GetAcknowledgeTime() != nil {
		t.Errorf("her stream of before the kill: %v", got)
	}
}
