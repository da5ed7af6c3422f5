package account_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"todoku/account"
)

func TestATokenExpiresAndARefreshExtendsItsSession(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		grant := v.login("alice")
		time.Sleep(15*time.Minute - 1)
		must(t, verify(v, grant.AccessToken))
		time.Sleep(time.Nanosecond)
		wantError(t, verify(v, grant.AccessToken), account.ErrExpired)

		next, err := v.refresh(grant.RefreshToken)
		must(t, err)
		if extended, _ := v.heard(); !slices.Equal(extended, []string{grant.Session}) {
			t.Errorf("OnExtend heard %v", extended)
		}
		session, err := v.Session(grant.Session)
		must(t, err)
		if !session.AccessExpires.Equal(next.AccessExpires) {
			t.Errorf("expires %v, want %v", session.AccessExpires, next.AccessExpires)
		}
		wantError(t, verify(v, grant.AccessToken), account.ErrExpired)
		must(t, verify(v, next.AccessToken))
	})
}

// anotherProcess makes a second service over the same store.
func (v *venue) anotherProcess() *venue {
	v.t.Helper()
	other := &venue{t: v.t, store: v.store, config: v.config}
	other.restart()
	return other
}

func TestASecondProcessServesSessionsOfTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx := t.Context()
		v := newVenue(t, account.Config{})
		other := v.anotherProcess()
		grant := v.login("alice")
		identity, err := other.Verify(ctx, grant.AccessToken.Reveal())
		must(t, err)
		_, err = other.OwnConnection(ctx, identity, grant.ConnectionID)
		must(t, err)
		tab, err := v.OpenConnection(ctx, grant.Session, "")
		must(t, err)
		_, err = other.OwnConnection(ctx, identity, tab.ID)
		must(t, err)

		// A refresh and a new key of the first are known to the second when they are shown.
		time.Sleep(14 * time.Minute)
		must(t, v.RotateKey(ctx))
		next, err := v.refresh(grant.RefreshToken)
		must(t, err)
		must(t, verify(other, next.AccessToken))
		session, err := other.Session(grant.Session)
		must(t, err)
		if !session.AccessExpires.Equal(next.AccessExpires) {
			t.Errorf("the second process has expiry %v, want %v", session.AccessExpires, next.AccessExpires)
		}
		_, err = other.refresh(next.RefreshToken)
		must(t, err)
	})
}

// What anybody can send must not read the store without bound, and what ended must
// not come back from there.
func TestOnlySignedTokensReadTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{})
		reads := &countingStore{Store: v.store}
		other, err := account.NewService(t.Context(), reads, account.Config{})
		must(t, err)
		refused := func(token string, want error) {
			t.Helper()
			_, err := other.Verify(t.Context(), token)
			wantError(t, err, want)
		}
		grant := v.login("alice")
		token := grant.AccessToken.Reveal()
		reads.keys, reads.sessions = 0, 0
		for range 100 {
			refused(token[:len(token)-4]+"AAAA", account.ErrBadToken)
			refused("tda1_"+strings.Repeat("B", 200), account.ErrBadToken) // Of an unknown key.
		}
		if reads.sessions != 0 || reads.keys > 1 {
			t.Errorf("forged tokens read %d sessions and the keys %d times", reads.sessions, reads.keys)
		}
		must(t, v.Revoke(t.Context(), grant.Session, account.EndRevoked))
		for range 100 {
			refused(token, account.ErrRevoked)
		}
		if reads.sessions != 1 {
			t.Errorf("the tokens of an ended session read it %d times", reads.sessions)
		}
	})
}

func TestASessionThatEndsWhileItIsReadStaysEnded(t *testing.T) {
	v := newVenue(t, account.Config{})
	reads := &countingStore{Store: v.store}
	other, err := account.NewService(t.Context(), reads, account.Config{})
	must(t, err)
	grant := v.login("alice")
	reads.afterRead = func() { must(t, other.Revoke(t.Context(), grant.Session, account.EndRevoked)) }
	for range 2 {
		_, err := other.Verify(t.Context(), grant.AccessToken.Reveal())
		wantError(t, err, account.ErrRevoked)
	}
}

// countingStore counts what Verify reads.
type countingStore struct {
	account.Store
	keys, sessions, connections int
	afterRead                   func()
}

func (c *countingStore) Connections(ctx context.Context, session string) ([]account.Connection, error) {
	c.connections++
	return c.Store.Connections(ctx, session)
}

func (c *countingStore) Keys(ctx context.Context) ([]account.Key, error) {
	c.keys++
	return c.Store.Keys(ctx)
}

func (c *countingStore) Session(ctx context.Context, id string) (account.Session, error) {
	c.sessions++
	session, err := c.Store.Session(ctx, id)
	if c.afterRead != nil {
		c.afterRead()
	}
	return session, err
}

func TestRevocationIsImmediateAndToldOnce(t *testing.T) {
	v := newVenue(t, account.Config{})
	a, b, c, bobs := v.login("alice"), v.login("alice"), v.login("alice"), v.login("bob")
	must(t, v.Logout(t.Context(), a.Session))
	must(t, v.Logout(t.Context(), a.Session))
	v.wantEnded(account.Ended{Session: a.Session, User: "alice", Reason: account.EndLogout})
	wantError(t, verify(v, a.AccessToken), account.ErrRevoked)
	_, err := v.refresh(a.RefreshToken)
	wantError(t, err, account.ErrRevoked)
	_, err = v.Connection(a.ConnectionID)
	wantError(t, err, account.ErrUnknownConnection)
	_, err = v.OpenConnection(t.Context(), a.Session, "")
	wantError(t, err, account.ErrRevoked)

	n, err := v.RevokeUser(t.Context(), "", account.EndRevoked)
	must(t, err)
	if n != 0 {
		t.Errorf("revoking nobody ended %d", n)
	}
	n, err = v.RevokeUser(t.Context(), "alice", account.EndRevoked)
	must(t, err)
	if n != 2 {
		t.Errorf("ended %d, want 2", n)
	}
	v.wantEnded(
		account.Ended{Session: b.Session, User: "alice", Reason: account.EndRevoked},
		account.Ended{Session: c.Session, User: "alice", Reason: account.EndRevoked},
	)
	must(t, verify(v, bobs.AccessToken))
	v.restart()
	wantError(t, verify(v, b.AccessToken), account.ErrRevoked)
	must(t, verify(v, bobs.AccessToken))
}

func TestNobodyHearsOfAnEndThatWasNotStored(t *testing.T) {
	v := newVenue(t, account.Config{})
	grant := v.login("alice")
	v.store.Fail(false)
	if err := v.Revoke(t.Context(), grant.Session, account.EndRevoked); err == nil {
		t.Fatal("revoked without storing it")
	}
	v.wantEnded()
	v.store.Fail(true) // Stored, but reported as failed: repeating it is the way out.
	if err := v.Revoke(t.Context(), grant.Session, account.EndRevoked); err == nil {
		t.Fatal("a failed write was passed over")
	}
	v.store.Heal()
	must(t, v.Revoke(t.Context(), grant.Session, account.EndRevoked))
	v.wantEnded(account.Ended{Session: grant.Session, User: "alice", Reason: account.EndRevoked})
}

func TestASessionNobodyRefreshesExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{AccessLog: account.AccessLog{Batch: 2}})
		stop := v.run()
		var want []account.Ended
		var last account.Grant
		for range 5 {
			last = v.login("alice")
			want = append(want, account.Ended{Session: last.Session, User: "alice", Reason: account.EndExpired})
		}
		kept := v.login("bob")
		time.Sleep(12*time.Hour - time.Minute)
		_, err := v.refresh(kept.RefreshToken)
		must(t, err)
		v.wantEnded()
		time.Sleep(time.Minute)
		_, err = v.refresh(last.RefreshToken)
		wantError(t, err, account.ErrExpired)
		wantError(t, verify(v, last.AccessToken), account.ErrExpired)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		v.wantEnded(want...)
		_, err = v.refresh(last.RefreshToken)
		wantError(t, err, account.ErrExpired)
		must(t, stop())
		if len(v.Sessions("")) != 1 {
			t.Errorf("sessions left: %v", v.Sessions(""))
		}
	})
}

func TestASessionHasALongestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{MaxSessionLife: 24 * time.Hour})
		grant := v.login("alice")
		end := time.Now().Add(24 * time.Hour)
		for time.Until(end) > 10*time.Minute {
			next, err := v.refresh(grant.RefreshToken)
			must(t, err)
			if grant = next; grant.AccessExpires.After(end) || grant.RefreshExpires.After(end) {
				t.Fatalf("tokens until %v and %v, the session ends at %v", grant.AccessExpires, grant.RefreshExpires, end)
			}
			time.Sleep(10 * time.Minute)
		}
		must(t, verify(v, grant.AccessToken))
		time.Sleep(10 * time.Minute)
		wantError(t, verify(v, grant.AccessToken), account.ErrExpired)
		_, err := v.refresh(grant.RefreshToken)
		wantError(t, err, account.ErrExpired)
	})
}

func TestASessionThatWasMadeForALongerLifeEndsWithTheNewSetting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{MaxSessionLife: -1})
		grant := v.login("alice")
		for range 40 {
			time.Sleep(11 * time.Hour)
			next, err := v.refresh(grant.RefreshToken)
			must(t, err)
			grant = next
		}
		v.config.MaxSessionLife = 24 * time.Hour
		v.restart()
		_, err := v.refresh(grant.RefreshToken)
		wantError(t, err, account.ErrExpired)
	})
}

func TestASignInMakesRoomByEndingAnIdleSessionOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{MaxSessionsPerUser: 3})
		idle := v.login("alice")
		time.Sleep(time.Minute)
		v.login("alice")
		v.login("alice")
		_, err := v.Login(t.Context(), "alice", password, account.LoginInfo{})
		wantError(t, err, account.ErrTooManySessions)
		v.login("bob")
		time.Sleep(14*time.Minute + 1)
		v.login("alice")
		v.wantEnded(account.Ended{Session: idle.Session, User: "alice", Reason: account.EndExpired})
	})
}

func TestTokensOutliveTheKeyThatSignedThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := newVenue(t, account.Config{KeyLife: 24 * time.Hour})
		stop := v.run()
		grant := v.login("alice")
		for hour := range 24 * 5 {
			must(t, verify(v, grant.AccessToken))
			if hour%24 == 1 {
				v.restartKeepingRun(t, &stop)
			}
			time.Sleep(time.Hour)
			next, err := v.refresh(grant.RefreshToken)
			must(t, err)
			retry, err := v.refresh(grant.RefreshToken)
			must(t, err)
			if retry != next {
				t.Fatal("the retry got another successor")
			}
			grant = next
		}
		keys, err := v.store.Keys(t.Context())
		must(t, err)
		if len(keys) > 2 || keys[len(keys)-1].ID < 4 {
			t.Errorf("keys after five days of one a day: %v", keys)
		}
		must(t, stop())
	})
}

func (v *venue) restartKeepingRun(t *testing.T, stop *func() error) {
	t.Helper()
	must(t, (*stop)())
	v.restart()
	*stop = v.run()
}

// What the service must do, said as plainly as possible: a session has a list of
// the tokens it gave out, each with its time, and whether the newest was seen in use.
type naiveSession struct {
	grants []account.Grant
	times  []time.Time
	used   bool
	ended  bool
}

// What a refresh gets: the next tokens, the newest again, or the newest with later times.
const (
	nextTokens = iota
	sameTokens
	renewedTokens
)

func (n *naiveSession) refresh(i int, now time.Time) (result int, want error) {
	newest := len(n.grants) - 1
	expired := !now.Before(n.grants[i].RefreshExpires)
	switch {
	case n.ended && expired:
		return 0, account.ErrExpired
	case n.ended:
		return 0, account.ErrRevoked
	case i == newest && expired:
		return 0, account.ErrExpired
	case i == newest:
		return nextTokens, nil
	case i == newest-1 && now.Sub(n.times[newest]) <= 30*time.Second:
		return sameTokens, nil
	case i == newest-1 && !n.used && expired:
		return 0, account.ErrExpired
	case i == newest-1 && !n.used:
		return renewedTokens, nil
	}
	n.ended = true
	return 0, account.ErrReused
}

func TestRandomSessionsAgreeWithANaiveModel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		random := rand.New(rand.NewPCG(seed, 0))
		v := newVenue(t, account.Config{})
		var sessions []*naiveSession
		for step := range 3000 {
			time.Sleep(time.Duration(random.Int64N(int64(20 * time.Second))))
			if random.IntN(200) == 0 {
				time.Sleep(13 * time.Hour)
			}
			now := time.Now()
			if len(sessions) == 0 || random.IntN(20) == 0 {
				sessions = append(sessions, &naiveSession{grants: []account.Grant{v.login("alice")}, times: []time.Time{now}})
				continue
			}
			n := sessions[random.IntN(len(sessions))]
			newest := len(n.grants) - 1
			i := max(0, newest-random.IntN(3)*random.IntN(2))
			switch random.IntN(10) {
			case 0:
				must(t, v.Logout(t.Context(), n.grants[0].Session))
				n.ended = true
			case 1:
				v.restart()
				for _, n := range sessions {
					n.used = false // It is not stored.
				}
			case 2, 3, 4:
				var want error
				switch g := n.grants[i]; {
				case !now.Before(g.AccessExpires):
					want = account.ErrExpired
				case n.ended:
					want = account.ErrRevoked
				}
				if err := verify(v, n.grants[i].AccessToken); fmt.Sprint(err) != fmt.Sprint(want) {
					t.Fatalf("step %d: verify: got %v, want %v", step, err, want)
				}
				n.used = n.used || i == newest && want == nil
			default:
				result, want := n.refresh(i, now)
				grant, err := v.refresh(n.grants[i].RefreshToken)
				if fmt.Sprint(err) != fmt.Sprint(want) {
					t.Fatalf("step %d: refresh %d of %d: got %v, want %v", step, i, newest, err, want)
				}
				switch {
				case err != nil:
				case result == sameTokens && grant != n.grants[newest]:
					t.Fatalf("step %d: a retry got another successor", step)
				case result == renewedTokens:
					n.grants[newest], n.times[newest] = grant, now
				case result == nextTokens:
					n.grants, n.times, n.used = append(n.grants, grant), append(n.times, now), false
				}
			}
		}
	})
}
