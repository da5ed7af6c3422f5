package history

import (
	"errors"
	"math"
	"testing"

	"todoku/trade"
)

func TestATokenIsGoodForItsQueryAlone(t *testing.T) {
	query := OrderQuery{Account: "a", Symbol: "S", State: WorkingOrder, Span: Span{1, 2}}
	token := NextPage(&query, 7)
	for name, change := range map[string]func(*OrderQuery){
		"account": func(q *OrderQuery) { q.Account = "b" },
		"symbol":  func(q *OrderQuery) { q.Symbol = "" },
		"state":   func(q *OrderQuery) { q.State = FinishedOrder },
		"from":    func(q *OrderQuery) { q.From = 0 },
		"to":      func(q *OrderQuery) { q.To = 3 },
		"the same text elsewhere": func(q *OrderQuery) {
			q.Account, q.Symbol = trade.AccountID("a\x00S"), ""
		},
	} {
		other := query
		other.Token = token
		change(&other)
		if _, err := Below(&other); !errors.Is(err, ErrBadPageToken) {
			t.Errorf("with another %s: %v, want ErrBadPageToken", name, err)
		}
	}
	query.Token, query.Size = token, 5
	if key, err := Below(&query); err != nil || key != 7 {
		t.Errorf("the key is %d (%v), want 7", key, err)
	}
	query.Token = ""
	if key, err := Below(&query); err != nil || key != math.MaxInt64 {
		t.Errorf("the first page begins below %d (%v)", key, err)
	}
}

func TestPagesHaveTheSizeThatIsAllowed(t *testing.T) {
	for size, want := range map[int]int{-1: 100, 0: 100, 1: 1, 1000: 1000, 1001: 1000, math.MaxInt: 1000} {
		if got := (PageRequest{Size: size}).Limit(); got != want {
			t.Errorf("a page of %d has %d, want %d", size, got, want)
		}
	}
}

func TestExecutionKeysRiseWithSequenceAndEvent(t *testing.T) {
	last := uint64(0)
	for _, sequence := range []uint64{1, 2, 1 << 32, maxSequence} {
		for _, event := range []int{0, 1, 1<<eventBits - 1} {
			key := ExecutionKey(sequence, event)
			if key <= last || key > math.MaxInt64 {
				t.Errorf("the key of %d-%d is %d after %d", sequence, event, key, last)
			}
			last = key
			if s, e := SplitExecutionKey(key); s != sequence || e != event {
				t.Errorf("%d-%d comes back as %d-%d", sequence, event, s, e)
			}
			if end := LastExecutionKey(sequence); key > end || end >= ExecutionKey(sequence+1, 0) {
				t.Errorf("the keys of %d end at %d", sequence, end)
			}
		}
	}
}

// FuzzPageToken holds that a token has one form: what is accepted is what would
// be given out.
func FuzzPageToken(f *testing.F) {
	query := AuditQuery{User: "alice"}
	f.Add(NextPage(&query, 0))
	f.Add(NextPage(&query, math.MaxInt64))
	f.Add(NextPage(&query, math.MaxUint64))
	f.Add("AAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, token string) {
		query := query
		query.Token = token
		key, err := Below(&query)
		switch {
		case err != nil:
			if !errors.Is(err, ErrBadPageToken) || key != 0 {
				t.Fatalf("%d, %v", key, err)
			}
		case token != "" && NextPage(&query, key) != token:
			t.Fatalf("%q means %d, which is %q", token, key, NextPage(&query, key))
		}
	})
}
