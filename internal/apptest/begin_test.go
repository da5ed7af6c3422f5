package apptest_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// How a stream begins, and begins again.

// TestAStreamBeginsWithHelloAndASnapshotOfEverythingOfTheUser looks at every kind
// of state that a fresh stream is given.
func TestAStreamBeginsWithHelloAndASnapshotOfEverythingOfTheUser(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice, bob := app.SignIn("alice"), app.SignIn("bob")
	alice.Place(apptest.Limit("rest", "USDJPY", buy, "5", "150.010"))
	alice.Place(apptest.Limit("maker", "EURUSD", sell, "2000", "1.10000"))
	last := bob.Place(apptest.Limit("taker", "EURUSD", buy, "1000", "1.10000"))

	s := alice.Attach(&request{Subscription: everything(), InstanceId: "one"})
	hello := s.Hello
	if hello.GetStart() != todokuv1.Hello_START_SNAPSHOT || hello.GetEpoch() == "" || hello.GetHeadSequence() < last.GetSequence() ||
		hello.GetHeartbeatInterval().AsDuration() != 5*time.Second || hello.GetWatchdogInterval().AsDuration() != 15*time.Second ||
		hello.GetStaleInterval().AsDuration() != 8*time.Second || hello.GetAcknowledgeInterval().AsDuration() != 15*time.Second ||
		hello.GetAttachNumber() == 0 || hello.GetSupersededAnother() || hello.GetServerVersion() != "test" {
		t.Errorf("Hello says %v", hello)
	}
	if left := time.Until(hello.GetSessionExpireTime().AsTime()); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("the session expires in %s, want 15 min", left)
	}
	if skew := time.Since(hello.GetServerTime().AsTime()); skew < 0 || skew > time.Minute {
		t.Errorf("server time is %s ago", skew)
	}
	if u := hello.GetUser(); u.GetUser() != "alice" || len(u.GetAccounts()) != 1 || u.GetAccounts()[0] != "alice" {
		t.Errorf("Hello says that the user is %v", u)
	}
	// A client that was cut off inside a snapshot has no cursor.
	if s.First.GetPreviousCursor() != "" || s.First.GetCursor() != "" {
		t.Errorf("before the snapshot the cursor is %q, then %q, want none", s.First.GetPreviousCursor(), s.First.GetCursor())
	}
	var orders, positions, instruments []string
	for _, m := range s.Snapshot() {
		switch body := m.GetBody().(type) {
		case *todokuv1.Message_Order:
			orders = append(orders, body.Order.GetClientOrderId()+" "+body.Order.GetLeavesQuantity())
		case *todokuv1.Message_PositionUpdate:
			positions = append(positions, body.PositionUpdate.GetSymbol()+" "+body.PositionUpdate.GetQuantity())
		case *todokuv1.Message_InstrumentUpdate:
			instruments = append(instruments, body.InstrumentUpdate.GetSymbol())
		}
	}
	for _, list := range []struct {
		what string
		got  []string
		want string
	}{
		{"orders", orders, "rest 5, maker 1000"},
		{"positions", positions, "EURUSD -1000"},
		{"instruments", instruments, "DISC, EURUSD, USDJPY"},
	} {
		if got := strings.Join(list.got, ", "); got != list.want {
			t.Errorf("the snapshot's %s are %q, want %q", list.what, got, list.want)
		}
	}

	// Complete books follow, each begun by name, then events.
	begun, levels := map[string]bool{}, map[string]string{}
	for len(begun) < 3 || len(levels) < 2 {
		m := s.Next()
		if b := m.GetBookBegin(); b != nil {
			begun[b.GetSymbol()] = true
		}
		if b := m.GetBookUpdate(); b != nil {
			if !begun[b.GetSymbol()] {
				t.Errorf("a level of %s before its BookBegin", b.GetSymbol())
			}
			levels[b.GetSymbol()] = b.GetLevel().GetPrice() + " x " + b.GetLevel().GetQuantity()
		}
	}
	if levels["USDJPY"] != "150.01 x 5" || levels["EURUSD"] != "1.1 x 1000" {
		t.Errorf("the books are %v", levels)
	}
	alice.Place(apptest.Limit("later", "USDJPY", buy, "1", "149"))
	if r := s.Report("later", execNew); r.GetOrder().GetAccount() != "alice" {
		t.Errorf("live report %v", r)
	}
}

// TestHeartbeatsAreNumberedAndAdvanceAQuietStreamsCursor covers guarantee
// "bookmarkable": a client without events still learns the stream's position.
func TestHeartbeatsAreNumberedAndAdvanceAQuietStreamsCursor(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Push.HeartbeatInterval = 50 * time.Millisecond })
	quiet, alice := app.SignIn("carol"), app.SignIn("alice")
	s := quiet.Attach(&request{})
	s.Snapshot()
	heartbeat := func(m *todokuv1.Message) bool { return m.GetHeartbeat() != nil }
	s.Await("a heartbeat", heartbeat)
	before := s.Number
	answer := alice.Place(apptest.Limit("a", "USDJPY", buy, "1", "150"))
	s.Await("a heartbeat that has passed alice's order", func(m *todokuv1.Message) bool {
		if m.GetExecutionReport() != nil {
			t.Errorf("carol received %v", m)
		}
		return heartbeat(m) && m.GetSequence() >= answer.GetSequence() && m.GetHeartbeat().GetHeadSequence() >= answer.GetSequence()
	})
	if s.Number <= before {
		t.Errorf("response %d does not follow %d", s.Number, before)
	}
	if sequenceOf(t, s.Cursor) < answer.GetSequence() {
		t.Errorf("the cursor is %s after a heartbeat at %d", s.Cursor, answer.GetSequence())
	}
}

func sequenceOf(t *testing.T, cursor string) uint64 {
	t.Helper()
	_, text, _ := strings.Cut(cursor, ":")
	sequence, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return sequence
}

// TestAResumeBringsExactlyWhatFollowsTheCursor cuts a stream between two orders
// and resumes at every cursor that it had seen.
func TestAResumeBringsExactlyWhatFollowsTheCursor(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	s := alice.Attach(&request{InstanceId: "one"})
	s.Snapshot()
	start := s.Cursor
	cursors := []string{start}
	for i := range 5 {
		alice.Place(apptest.Limit("o"+strconv.Itoa(i), "USDJPY", buy, "1", "150"))
		s.Report("o"+strconv.Itoa(i), execNew)
		cursors = append(cursors, s.Cursor)
	}
	s.Cut()
	alice.Place(apptest.Limit("o5", "USDJPY", buy, "1", "150"))
	for seen, cursor := range cursors {
		r := alice.Attach(&request{ResumeAfter: cursor, InstanceId: "one"})
		if r.Hello.GetStart() != todokuv1.Hello_START_REPLAY || r.First.GetPreviousCursor() != cursor {
			t.Fatalf("resumed with %v after %s, want a replay after %s", r.Hello.GetStart(), r.First.GetPreviousCursor(), cursor)
		}
		mark := "mark" + strconv.Itoa(seen)
		app.SignIn("admin").Announce(mark)
		var got []string
		for _, m := range r.Until(mark) {
			if o := m.GetExecutionReport().GetOrder(); o != nil {
				got = append(got, o.GetClientOrderId())
			}
			if m.GetSnapshotBegin() != nil || m.GetReset_() != nil {
				t.Errorf("a resume brought %v", m)
			}
		}
		var want []string
		for i := seen; i <= 5; i++ {
			want = append(want, "o"+strconv.Itoa(i))
		}
		if strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("resumed after o%d and got %v, want %v", seen-1, got, want)
		}
		r.Cut()
	}
}

// TestACursorOfAnotherHistoryIsAnsweredByResetNotByAGap resumes with a foreign
// epoch, and too far behind.
func TestACursorOfAnotherHistoryIsAnsweredByResetNotByAGap(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Replay.ReplayEvents = 3 })
	alice := app.SignIn("alice")
	first := alice.Attach(&request{})
	first.Snapshot()
	old := first.Cursor
	for i := range 5 {
		alice.Place(apptest.Limit("o"+strconv.Itoa(i), "USDJPY", buy, "1", "150"))
	}
	for _, c := range []struct {
		cursor string
		cause  todokuv1.Reset_Cause
	}{
		{"anotherhistory:7", todokuv1.Reset_CAUSE_UNKNOWN_EPOCH},
		{old, todokuv1.Reset_CAUSE_TOO_FAR_BEHIND},
	} {
		s := alice.Attach(&request{ResumeAfter: c.cursor})
		if s.Hello.GetStart() != todokuv1.Hello_START_RESET {
			t.Errorf("%s: %v, want a reset", c.cursor, s.Hello.GetStart())
		}
		if reset := s.Next().GetReset_(); reset.GetCause() != c.cause || reset.GetText() == "" {
			t.Errorf("%s: reset %v, want %v", c.cursor, reset, c.cause)
		}
		orders := 0
		for _, m := range s.Snapshot() {
			if m.GetOrder() != nil {
				orders++
			}
		}
		if orders != 5 {
			t.Errorf("%s: the snapshot has %d orders, want 5", c.cursor, orders)
		}
	}
}

// TestAnInventedCursorIsRefused covers cursors of the future and malformed cursors.
func TestAnInventedCursorIsRefused(t *testing.T) {
	t.Parallel()
	app := apptest.Start(t)
	alice := app.SignIn("alice")
	s := alice.Attach(&request{})
	for _, cursor := range []string{
		s.Hello.GetEpoch() + ":99999", s.Hello.GetEpoch() + ":18446744073709551615", "x", ":", s.Hello.GetEpoch() + ":01",
		s.Hello.GetEpoch() + ":-1", s.Hello.GetEpoch() + ":18446744073709551616", strings.Repeat("e", 10_000) + ":1",
	} {
		err := alice.AttachRefused(&request{ResumeAfter: cursor})
		wantRefusal(t, err, codes.InvalidArgument, "BAD_CURSOR", "resume_after")
	}
	alice.Place(apptest.Limit("still", "USDJPY", buy, "1", "150"))
	s.Report("still", execNew) // A refused attach does not take over.
}
