package account

import (
	"errors"
	"testing"
	"time"
)

// NewTestStore returns an empty store. TestMain sets it, because the store's package
// imports this one.
var NewTestStore func(testing.TB) Store

// issued makes a service with one session and its tokens, under a clock that
// stands still.
func issued(tb testing.TB) (*Service, Grant) {
	tb.Helper()
	now := time.Date(2026, 3, 2, 9, 30, 0, 0, time.UTC)
	s, err := NewService(tb.Context(), NewTestStore(tb), Config{
		Clock: func() time.Time { return now },
		Hash:  HashCost{MemoryKiB: 8, Passes: 1, Lanes: 1},
	})
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.SetPublishedPassword(tb.Context(), "alice", "x"); err != nil {
		tb.Fatal(err)
	}
	grant, err := s.Login(tb.Context(), "alice", "x", LoginInfo{})
	if err != nil {
		tb.Fatal(err)
	}
	return s, grant
}

func addTokens(f *testing.F, grant Grant) {
	f.Helper()
	for _, token := range []string{grant.AccessToken.Reveal(), grant.RefreshToken.Reveal()} {
		f.Add(token)
		f.Add(token + "\n")
		f.Add(token[:20] + "\r\n" + token[20:])
		f.Add(token + "=")
		f.Add(token[:len(token)-1])
		f.Add(refreshPrefix + token[len(accessPrefix):])
		f.Add(accessPrefix + token[len(accessPrefix):])
	}
	f.Add("")
	f.Add("tda1_\x00\xff")
}

// No text but the token itself is accepted as one: nothing forged, and no second
// spelling.
func FuzzParseToken(f *testing.F) {
	s, grant := issued(f)
	addTokens(f, grant)
	f.Fuzz(func(t *testing.T, token string) {
		identity, err := s.Verify(t.Context(), token)
		if token == grant.AccessToken.Reveal() {
			if err != nil || identity.User != "alice" {
				t.Fatalf("the token that was issued: %v", err)
			}
			return
		}
		if !errors.Is(err, ErrBadToken) || identity != (Identity{}) {
			t.Fatalf("%q was never issued, and got %v, %v", token, identity, err)
		}
	})
}

func FuzzRefreshToken(f *testing.F) {
	s, grant := issued(f)
	addTokens(f, grant)
	f.Fuzz(func(t *testing.T, token string) {
		if token == grant.RefreshToken.Reveal() {
			if _, err := s.Refresh(t.Context(), token, ""); err != nil {
				t.Fatal(err) // Under a clock that stands still each time is a retry.
			}
			return
		}
		if got, err := s.Refresh(t.Context(), token, ""); !errors.Is(err, ErrBadToken) || got != (Grant{}) {
			t.Fatalf("%q was never issued, and got %v", token, err)
		}
	})
}

// Every payload under a good signature, whatever it holds, is read or refused
// without a panic, and what is read is written back the same.
func FuzzTokenPayload(f *testing.F) {
	s, grant := issued(f)
	for _, prefix := range []string{accessPrefix, refreshPrefix} {
		for _, token := range []Secret{grant.AccessToken, grant.RefreshToken} {
			if payload, err := s.open(f.Context(), prefix, token.Reveal()); err == nil {
				f.Add(payload)
			}
		}
	}
	f.Add([]byte{0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 255})
	f.Fuzz(func(t *testing.T, payload []byte) {
		if len(payload) > 300 {
			return // Longer than any token.
		}
		key := s.keys.current()
		if c, err := s.parseAccess(t.Context(), seal(accessPrefix, key.Secret, payload).Reveal()); err == nil {
			session := Session{ID: c.session, User: c.user, AccessExpires: c.expires}
			if accessToken(key, session) != seal(accessPrefix, key.Secret, payload) {
				t.Fatalf("%x was read as %+v, which is written otherwise", payload, c)
			}
		}
		if c, err := s.parseRefresh(t.Context(), seal(refreshPrefix, key.Secret, payload).Reveal()); err == nil {
			session := Session{ID: c.session, Generation: c.generation, Expires: c.expires}
			if refreshToken(key, session) != seal(refreshPrefix, key.Secret, payload) {
				t.Fatalf("%x was read as %+v, which is written otherwise", payload, c)
			}
		}
	})
}

// What is read as a hash is written back the same, and its cost is bounded.
func FuzzPasswordHash(f *testing.F) {
	good := newPasswordHash(HashCost{MemoryKiB: 64, Passes: 1, Lanes: 2}, "x")
	f.Add(good.encode())
	f.Add("$argon2id$v=19$m=4294967295,t=1,p=1$$")
	f.Add("$argon2id$v=19$m=+64,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, text string) {
		h, err := parsePasswordHash(text)
		if err != nil {
			return
		}
		if h.encode() != text || h.cost.validate() != nil {
			t.Fatalf("%q was read as %+v", text, h.cost)
		}
	})
}

func TestAStoredHashMatchesItsPasswordOnly(t *testing.T) {
	h, err := parsePasswordHash(newPasswordHash(HashCost{MemoryKiB: 64, Passes: 1, Lanes: 2}, "right").encode())
	if err != nil {
		t.Fatal(err)
	}
	if !h.matches("right") || h.matches("wrong") || h.matches("") {
		t.Error("the hash does not tell right from wrong")
	}
	if unknownUserHash(h.cost).matches("right") {
		t.Error("the hash of nobody matched")
	}
}

func BenchmarkVerify(b *testing.B) {
	s, grant := issued(b)
	token := grant.AccessToken.Reveal()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Verify(b.Context(), token); err != nil {
			b.Fatal(err)
		}
	}
}
