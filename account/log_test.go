package account_test

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"todoku/account"
)

// stored reads the log past the service, which would flush first.
func (v *venue) stored() []account.Entry {
	v.t.Helper()
	entries, err := v.store.Access(v.t.Context(), account.AccessQuery{Limit: 10_000})
	must(v.t, err)
	return entries
}

func TestTheLogIsWrittenSoonAndAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{AccessLog: account.AccessLog{Batch: 10}})
		stop := v.run()
		time.Sleep(time.Second)
		before := len(v.stored())
		v.Log(t.Context(), account.Entry{Kind: account.Attach})
		time.Sleep(500*time.Millisecond - 1)
		if n := len(v.stored()); n != before {
			t.Errorf("%d entries were written before their time", n-before)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if n := len(v.stored()); n != before+1 {
			t.Errorf("%d entries were written, want 1", n-before)
		}
		for range 10 {
			v.Log(t.Context(), account.Entry{Kind: account.Attach})
		}
		synctest.Wait() // A full batch does not wait for the interval.
		if n := len(v.stored()); n != before+11 {
			t.Errorf("%d entries were written, want 11", n-before)
		}
		v.Log(t.Context(), account.Entry{Kind: account.Detach})
		must(t, stop())
		if e := v.stored()[0]; e.Kind != account.Detach || e.Time.IsZero() {
			t.Errorf("the last entry is %+v", e)
		}
	})
}

func TestWhatTheLogLosesItSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{AccessLog: account.AccessLog{Queue: 10, Batch: 4}})
		stop := v.run()
		time.Sleep(time.Second)
		before := len(v.stored())
		v.store.Fail(false)
		begin := time.Now()
		for i := range 25 {
			v.Log(t.Context(), account.Entry{Kind: account.Attach, Detail: strconv.Itoa(i)})
		}
		if waited := time.Since(begin); waited != 0 {
			t.Errorf("entries about streams waited %v", waited)
		}
		v.Log(t.Context(), account.Entry{Kind: account.SignOut, Detail: "too late"})
		if waited := time.Since(begin); waited != 250*time.Millisecond {
			t.Errorf("an entry that matters waited %v, want 250ms", waited)
		}
		cancelled, cancel := context.WithCancel(t.Context())
		cancel()
		v.Log(cancelled, account.Entry{Kind: account.SignOut, Detail: "hung up"})
		if stats := v.Stats(); stats.LogLost != 17 || stats.LogQueued != 10 {
			t.Errorf("stats: %+v", stats)
		}

		if _, faults := v.heard(); len(faults) == 0 {
			t.Error("OnFault heard of no failure")
		}

		// One that waits gets in as soon as there is room.
		done := make(chan struct{})
		go func() {
			v.Log(t.Context(), account.Entry{Kind: account.Reused, Detail: "in time"})
			close(done)
		}()
		synctest.Wait()
		v.store.Heal()
		must(t, v.Flush(t.Context()))
		<-done
		must(t, stop())
		var got []string
		for _, e := range slices.Backward(v.stored()) {
			got = append(got, e.Detail)
		}
		want := "17 entries 0 1 2 3 4 5 6 7 8 9 in time"
		if strings.Join(got[before:], " ") != want {
			t.Errorf("log: %v, want %v", got[before:], want)
		}
	})
}

func TestRunSaysWhatItCouldNotWrite(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{AccessLog: account.AccessLog{Queue: 3}})
		must(t, v.Flush(t.Context()))
		stop := v.run()
		v.store.Fail(false)
		for range 3 {
			v.Log(t.Context(), account.Entry{Kind: account.Attach})
		}
		err := stop()
		if err == nil || !strings.Contains(err.Error(), "3 entries") {
			t.Errorf("Run returned %v", err)
		}
		begin := time.Now()
		v.Log(t.Context(), account.Entry{Kind: account.SignOut})
		if time.Since(begin) != 0 || v.Stats().LogLost != 1 {
			t.Error("an entry waited for nobody")
		}
	})
}

func TestManyEndsAtOnceDoNotMakeRunWaitForItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{AccessLog: account.AccessLog{Queue: 8, Batch: 8, Wait: time.Hour}})
		for range 100 {
			v.login("alice")
			must(t, v.Flush(t.Context()))
		}
		time.Sleep(13 * time.Hour)
		stop := v.run()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		must(t, stop())
		if n, lost := len(v.kinds(account.AccessFilter{Kinds: []account.Kind{account.SignOut}})), v.Stats().LogLost; n != 100 || lost != 0 {
			t.Errorf("%d ends are in the log, %d lost; want 100, 0", n, lost)
		}
	})
}

func TestPagesOfTheLogAreWhole(t *testing.T) {
	v := newVenue(t, account.Config{})
	for i := range 25 {
		v.Log(t.Context(), account.Entry{Kind: account.Attach, User: "alice", Detail: strconv.Itoa(i)})
	}
	filter := account.AccessFilter{User: "alice", Kinds: []account.Kind{account.Attach}}
	var got []string
	last := uint64(0)
	for more := true; more; {
		var entries []account.Entry
		var err error
		entries, more, err = v.ListAccess(t.Context(), filter, 5, last)
		must(t, err)
		for _, e := range entries {
			got = append(got, e.Detail)
		}
		// Newer entries do not shift the pages.
		v.Log(t.Context(), account.Entry{Kind: account.Attach, User: "alice"})
		last = entries[len(entries)-1].ID
	}
	slices.Reverse(got)
	if len(got) != 25 || got[0] != "0" || got[24] != "24" {
		t.Errorf("pages: %v", got)
	}
	_, _, err := v.ListAccess(t.Context(), filter, account.MaxPage+1, 0)
	wantError(t, err, account.ErrInvalid)

	// What is on a full disk can still be read.
	v.store.Fail(false)
	entries, _, err := v.ListAccess(t.Context(), filter, 3, 0)
	must(t, err)
	if len(entries) != 3 {
		t.Errorf("got %d entries", len(entries))
	}
}

func TestTheLogForgetsWhatIsOld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{AccessLog: account.AccessLog{Retention: 10 * 24 * time.Hour}})
		wantError(t, v.guess("nobody", ""), account.ErrBadCredentials)
		stop := v.run()
		time.Sleep(10 * 24 * time.Hour)
		must(t, v.Flush(t.Context()))
		if n := len(v.stored()); n != 3 {
			t.Fatalf("%d entries, want 3", n)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(v.stored()); n != 0 {
			t.Errorf("%d entries are left", n)
		}
		f, err := v.store.Attempts(t.Context(), "user:nobody")
		must(t, err)
		if f.Count != 0 {
			t.Errorf("attempts are left: %+v", f)
		}
		must(t, stop())
	})
}
