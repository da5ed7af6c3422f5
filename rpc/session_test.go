package rpc

import (
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	todokuv1 "todoku/gen/todoku/v1"
)

func TestRefusedSignInsHaveAReason(t *testing.T) {
	v := open(t)
	login := func(user, secret string) error {
		_, err := v.session.Login(t.Context(), &todokuv1.LoginRequest{User: user, Password: secret})
		return err
	}
	fails(t, login("nobody", password), "BAD_CREDENTIALS")
	fails(t, login("alice", "wrong"), "BAD_CREDENTIALS")
	if field := fails(t, login("No Name", password), "BAD_NAME"); field != "user" {
		t.Errorf("it names %q", field)
	}
	if field := fails(t, login("alice", ""), "BAD_TEXT"); field != "password" {
		t.Errorf("it names %q", field)
	}
	_, err := v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: password, CancelOnDisconnect: durationpb.New(time.Second)})
	if field := fails(t, err, "BAD_NUMBER"); field != "cancel_on_disconnect" {
		t.Errorf("it names %q", field)
	}
	for range 3 {
		_ = login("bob", "wrong")
	}
	fails(t, login("bob", password), "LOCKED_OUT")
}

func TestALoginReturnsTheUser(t *testing.T) {
	v := open(t)
	res, err := v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: password})
	must(t, err)
	if res.GetUser().GetDisplayName() != "The alice" || len(res.GetUser().GetAccounts()) != 2 || res.GetConnectionId() == "" ||
		res.GetSessionId() == "" || !res.GetTokens().GetAccessExpireTime().AsTime().After(time.Now()) {
		t.Errorf("login %v", res)
	}
}

func TestTheEndOfASessionEndsItsStreams(t *testing.T) {
	v := open(t)
	for what, end := range map[string]func(*client) error{
		"logout": func(c *client) error {
			_, err := v.session.Logout(c.ctx, &todokuv1.LogoutRequest{})
			return err
		},
		"revoked from another window": func(c *client) error {
			_, err := v.session.RevokeSession(v.signIn("alice").ctx, &todokuv1.RevokeSessionRequest{SessionId: c.login.GetSessionId()})
			return err
		},
		"refresh token used twice": func(c *client) error {
			token := c.login.GetTokens().GetRefreshToken()
			first, err := v.session.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: token})
			must(t, err)
			_, err = v.session.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: first.GetTokens().GetRefreshToken()})
			must(t, err)
			_, err = v.session.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: token})
			fails(t, err, "TOKEN_REUSED")
			return nil
		},
	} {
		alice := v.signIn("alice")
		s := alice.attach(&todokuv1.FeedNotificationRequest{})
		t.Log(what) // How soon it ends is tested with the whole venue.
		must(t, end(alice))
		fails(t, s.end(), "SESSION_REVOKED")
		_, err := v.market.ListUsers(alice.ctx, &todokuv1.ListUsersRequest{})
		fails(t, err, "SESSION_REVOKED")
	}
}

func TestARefreshExtendsTheLiveStream(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	s := alice.attach(&todokuv1.FeedNotificationRequest{})
	res, err := v.session.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: alice.login.GetTokens().GetRefreshToken()})
	must(t, err)
	want := res.GetTokens().GetAccessExpireTime().AsTime()
	s.until("a heartbeat with the new expiry", func(m *todokuv1.Message) bool {
		at := m.GetHeartbeat().GetSessionExpireTime()
		return at != nil && at.AsTime().Sub(want).Abs() < time.Second
	})
	_, err = v.session.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: "x"})
	fails(t, err, "BAD_TOKEN")
}

func TestAChangedPasswordEndsTheOtherSessions(t *testing.T) {
	v := open(t)
	here, there := v.signIn("alice"), v.signIn("alice")
	mine, other := here.attach(&todokuv1.FeedNotificationRequest{}), there.attach(&todokuv1.FeedNotificationRequest{})
	_, err := v.session.ChangePassword(here.ctx, &todokuv1.ChangePasswordRequest{OldPassword: "wrong", NewPassword: "battery"})
	if field := fails(t, err, "WRONG_PASSWORD"); field != "old_password" {
		t.Errorf("it names %q", field)
	}
	_, err = v.session.ChangePassword(here.ctx, &todokuv1.ChangePasswordRequest{OldPassword: password, NewPassword: "battery"})
	must(t, err)
	fails(t, other.end(), "SESSION_REVOKED")
	mine.until("life", func(m *todokuv1.Message) bool { return m.GetHeartbeat() != nil })
	_, err = v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: password})
	fails(t, err, "BAD_CREDENTIALS")
}

func TestAWeakNewPasswordIsRefusedWithItsField(t *testing.T) {
	v := open(t)
	alice, root := v.signIn("alice"), v.signIn("root")
	for _, weak := range []string{"abc", "password"} {
		_, err := v.session.ChangePassword(alice.ctx, &todokuv1.ChangePasswordRequest{OldPassword: password, NewPassword: weak})
		if field := fails(t, err, "BAD_TEXT"); field != "new_password" {
			t.Errorf("it names %q", field)
		}
		_, err = v.admin.UpdateUser(root.ctx, &todokuv1.UpdateUserRequest{RequestId: "weak", User: "alice", DisplayName: "Other", Password: weak})
		if field := fails(t, err, "BAD_TEXT"); field != "password" {
			t.Errorf("it names %q", field)
		}
		_, err = v.admin.CreateUser(root.ctx, &todokuv1.CreateUserRequest{RequestId: "weak", User: "eve", Password: weak})
		if field := fails(t, err, "BAD_TEXT"); field != "password" {
			t.Errorf("it names %q", field)
		}
	}
	res, err := v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: password})
	must(t, err)
	if name := res.GetUser().GetDisplayName(); name != "The alice" {
		t.Errorf("a refused change renamed the user to %q", name)
	}
}

func TestNamesHaveNoInvisibleCharacters(t *testing.T) {
	v := open(t)
	root := v.signIn("root")
	for _, bad := range []string{"a\nb", "a\tb", "a\u202eb", "a\u200bb", "a\u2066b", "\ufeffa", "a\u2028b", "a\u00adb"} {
		_, err := v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: password, ClientName: bad})
		if field := fails(t, err, "BAD_TEXT"); field != "client_name" {
			t.Errorf("%q: it names %q", bad, field)
		}
		_, err = v.admin.UpdateUser(root.ctx, &todokuv1.UpdateUserRequest{RequestId: "name", User: "alice", DisplayName: bad})
		if field := fails(t, err, "BAD_TEXT"); field != "display_name" {
			t.Errorf("%q: it names %q", bad, field)
		}
		_, err = v.admin.CreateUser(root.ctx, &todokuv1.CreateUserRequest{RequestId: "name", User: "eve", Password: "battery", DisplayName: bad})
		if field := fails(t, err, "BAD_TEXT"); field != "display_name" {
			t.Errorf("%q: it names %q", bad, field)
		}
		_, err = v.admin.CreateUser(root.ctx, &todokuv1.CreateUserRequest{RequestId: "name", User: bad, Password: "battery"})
		if field := fails(t, err, "BAD_NAME"); field != "user" {
			t.Errorf("%q: it names %q", bad, field)
		}
	}
	_, err := v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: password, ClientName: "届く デスクトップ 1.0"})
	must(t, err)
}

func TestOwnSessionsAreListedNewestFirst(t *testing.T) {
	v := open(t)
	first, second, bob := v.signIn("alice"), v.signIn("alice"), v.signIn("bob")
	res, err := v.session.ListSessions(second.ctx, &todokuv1.ListSessionsRequest{})
	must(t, err)
	if got := res.GetSessions(); len(got) != 2 || got[0].GetSessionId() != second.login.GetSessionId() || !got[0].GetCurrent() ||
		got[1].GetSessionId() != first.login.GetSessionId() || got[1].GetCurrent() || got[0].GetClientName() != "test" {
		t.Errorf("listed %v", got)
	}
	for _, id := range []string{bob.login.GetSessionId(), "none"} {
		_, err = v.session.RevokeSession(first.ctx, &todokuv1.RevokeSessionRequest{SessionId: id})
		fails(t, err, "UNKNOWN_SESSION")
	}
	if _, err := v.session.ListSessions(bob.ctx, &todokuv1.ListSessionsRequest{}); err != nil {
		t.Errorf("bob's session was revoked: %v", err)
	}
}
