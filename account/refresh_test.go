package account_test

import (
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"todoku/account"
)

func TestARefreshWhoseAnswerWasLostCanBeRetriedUntilItsSuccessorIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		first := v.login("alice")
		time.Sleep(10 * time.Second)
		second, err := v.refresh(first.RefreshToken)
		must(t, err)
		time.Sleep(30 * time.Second)
		v.restart()
		retry, err := v.refresh(first.RefreshToken)
		must(t, err)
		if retry != second {
			t.Error("the retry got another successor")
		}
		must(t, verify(v, first.AccessToken))

		// The answer was lost for hours: a retry gets tokens of full life.
		for range 3 {
			time.Sleep(3 * time.Hour)
			retry, err = v.refresh(first.RefreshToken)
			must(t, err)
			if time.Until(retry.AccessExpires) != 15*time.Minute {
				t.Fatalf("the retry got a token until %v", retry.AccessExpires)
			}
		}
		if extended, _ := v.heard(); len(extended) != 4 {
			t.Errorf("OnExtend heard %d refreshes, want 4", len(extended))
		}
		if n := v.Sessions("alice")[0].Generation; n != 2 {
			t.Errorf("retries made generation %d, want 2", n)
		}

		// An answer that arrives late is as good.
		third, err := v.refresh(second.RefreshToken)
		must(t, err)

		// Two who hold one token are found out as soon as both go on: the second to come is
		// too late, whether it is the owner or the thief.
		time.Sleep(time.Minute)
		must(t, verify(v, third.AccessToken))
		_, err = v.refresh(retry.RefreshToken)
		wantError(t, err, account.ErrReused)
		v.wantEnded(account.Ended{Session: first.Session, User: "alice", Reason: account.EndReused})
		wantError(t, verify(v, third.AccessToken), account.ErrRevoked)
		_, err = v.refresh(third.RefreshToken)
		wantError(t, err, account.ErrRevoked)
	})
}

func TestARetryOfARefreshIsBoundedByItsOwnToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		first := v.login("alice")
		time.Sleep(11 * time.Hour)
		_, err := v.refresh(first.RefreshToken)
		must(t, err)
		time.Sleep(time.Hour)
		_, err = v.refresh(first.RefreshToken)
		wantError(t, err, account.ErrExpired)
		v.wantEnded()
	})
}

func TestATokenTwoGenerationsOldIsNoRetry(t *testing.T) {
	v := newVenue(t, account.Config{})
	first := v.login("alice")
	second, err := v.refresh(first.RefreshToken)
	must(t, err)
	_, err = v.refresh(second.RefreshToken)
	must(t, err)
	_, err = v.refresh(first.RefreshToken)
	wantError(t, err, account.ErrReused)
}

func TestRefreshesAtOnceGetOneSuccessor(t *testing.T) {
	v := newVenue(t, account.Config{})
	grant := v.login("alice")
	grants := make([]account.Grant, 16)
	var wg sync.WaitGroup
	for i := range grants {
		wg.Go(func() {
			var err error
			if grants[i], err = v.refresh(grant.RefreshToken); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(slices.Compact(grants)) != 1 {
		t.Error("refreshes at once got different successors")
	}
	if extended, _ := v.heard(); len(extended) != 1 {
		t.Errorf("OnExtend heard %d refreshes, want 1", len(extended))
	}
}

func TestARefreshReportedAsFailedCanBeRepeated(t *testing.T) {
	v := newVenue(t, account.Config{})
	grant := v.login("alice")
	for _, after := range []bool{false, true} {
		v.store.Fail(after)
		same, err := v.refresh(grant.RefreshToken)
		must(t, err)
		if same.RefreshToken != grant.RefreshToken {
			t.Fatal("a refresh that was not stored replaced the refresh token")
		}
	}
	v.store.Heal()
	next, err := v.refresh(grant.RefreshToken)
	must(t, err)
	if extended, _ := v.heard(); len(extended) != 3 || v.Sessions("alice")[0].Generation != 2 {
		t.Errorf("extended %v, sessions %v", extended, v.Sessions("alice"))
	}
	_, err = v.refresh(next.RefreshToken)
	must(t, err)
}
