package accounttest

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"todoku/account"
)

// visit is the receipts of an attach of alice's that carried "a" behind 10 and
// "a b" behind 20, acknowledged 12 and 25, and ended having been sent 30.
func visit(attach uint64, user string) []account.Receipt {
	at := func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
	return []account.Receipt{
		{
			Attach: attach, Step: account.ReceiptBegan, Time: at(0), Epoch: "e",
			User: user, Session: "s", Connection: "c", RemoteAddr: "192.0.2.1",
		},
		{Attach: attach, Step: account.ReceiptCarries, Time: at(0), Sequence: 10, Topics: "a"},
		{Attach: attach, Step: account.ReceiptAcknowledged, Time: at(1), Sequence: 12},
		{Attach: attach, Step: account.ReceiptCarries, Time: at(2), Sequence: 20, Topics: "a b"},
		{Attach: attach, Step: account.ReceiptAcknowledged, Time: at(3), Sequence: 25},
		{Attach: attach, Step: account.ReceiptEnded, Time: at(4), Sequence: 30, Reason: "STREAM_AGE"},
	}
}

func told(list []account.Told) []string {
	lines := make([]string, 0, len(list))
	for _, t := range list {
		lines = append(lines, fmt.Sprintf("%d %s %q acknowledged %d %s", t.Attach, t.User, t.Topics, t.Acknowledged, t.Reason))
	}
	return lines
}

func testReceipts(t *testing.T, store account.Store) {
	t.Helper()
	ctx := t.Context()
	must(t, store.AppendReceipts(ctx, visit(1, "alice")))
	must(t, store.AppendReceipts(ctx, visit(2, "bob")))
	must(t, store.AppendReceipts(ctx, visit(3, "alice")[:3])) // Open.
	must(t, store.AppendReceipts(ctx, []account.Receipt{{Attach: 99, Step: account.ReceiptEnded, Time: start, Sequence: 50}}))
	must(t, store.AppendReceipts(ctx, nil))

	both := []string{`1 alice "a" acknowledged 12 STREAM_AGE`, `2 bob "a" acknowledged 12 STREAM_AGE`, `3 alice "a" acknowledged 12 `}
	for name, c := range map[string]struct {
		query account.ToldQuery
		want  []string
	}{
		"before all":         {account.ToldQuery{Sequence: 10}, nil},
		"of the first":       {account.ToldQuery{Sequence: 11}, both},
		"of one user":        {account.ToldQuery{Sequence: 12, User: "bob"}, both[1:2]},
		"behind an attach":   {account.ToldQuery{Sequence: 12, After: 1, Limit: 1}, both[1:2]},
		"of another history": {account.ToldQuery{Sequence: 12, Epoch: "other"}, nil},
		"at a later acknowledgement": {
			account.ToldQuery{Sequence: 20, User: "bob"}, []string{`2 bob "a" acknowledged 25 STREAM_AGE`},
		},
		"of other topics": {account.ToldQuery{Sequence: 21, User: "bob"}, []string{`2 bob "a b" acknowledged 25 STREAM_AGE`}},
		"unacknowledged":  {account.ToldQuery{Sequence: 30, User: "bob"}, []string{`2 bob "a b" acknowledged 0 STREAM_AGE`}},
		"never sent":      {account.ToldQuery{Sequence: 31}, []string{`3 alice "a" acknowledged 0 `}},
		"of later times": {
			account.ToldQuery{Sequence: 12, Committed: start.Add(5 * time.Second)}, []string{`3 alice "a" acknowledged 12 `},
		},
	} {
		if c.query.Limit == 0 {
			c.query.Limit = 100
		}
		if c.query.Epoch == "" {
			c.query.Epoch = "e"
		}
		if got := told(get[[]account.Told](t)(store.Told(ctx, c.query))); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}

	first := get[[]account.Told](t)(store.Told(ctx, account.ToldQuery{Epoch: "e", Sequence: 12, Limit: 1}))[0]
	want := account.Told{
		Attach: 1, User: "alice", Session: "s", Connection: "c", RemoteAddr: "192.0.2.1", Began: start, Topics: "a",
		Acknowledged: 12, AcknowledgedAt: start.Add(time.Second), Ended: start.Add(4 * time.Second), Reason: "STREAM_AGE",
	}
	if first != want {
		t.Errorf("got %+v, want %+v", first, want)
	}

	must(t, store.CloseReceipts(ctx, start.Add(time.Minute)))
	query := account.ToldQuery{Epoch: "e", Sequence: 31, Limit: 100}
	if got := told(get[[]account.Told](t)(store.Told(ctx, query))); !slices.Equal(got, []string{`3 alice "a" acknowledged 0 PROCESS_GONE`}) {
		t.Errorf("after the process was gone: %q", got)
	}
	must(t, store.PruneReceipts(ctx, start.Add(30*time.Second)))
	query.Sequence = 12
	if got := told(get[[]account.Told](t)(store.Told(ctx, query))); len(got) != 1 {
		t.Errorf("after pruning: %q", got)
	}
}
