package account_test

import (
	"testing"

	"todoku/account"
)

func TestNewPasswordsAreLongAndNotCommon(t *testing.T) {
	v := newVenue(t, account.Config{MinPassword: 15})
	identity, err := v.Verify(t.Context(), v.login("alice").AccessToken.Reveal()) // A stored one stays good.
	must(t, err)
	for _, bad := range []string{
		"x", "alice", "fourteen chars", "aaaaaaaaaaaaaaaa", "123456789012345", "9876543210987654",
		"password1234567", "PasswordPassword", "p4ssw0rd-p4ssw0rd", "qwertyuiop12345!", "alice-alice-alice",
		"Todoku Todoku 2026", "welcometotodoku", "abcabcabcabcabcabc", "correct horse\x00battery",
	} {
		for what, err := range map[string]error{
			"set":    v.SetPassword(t.Context(), "alice", bad),
			"change": v.ChangePassword(t.Context(), identity, "", password, bad),
		} {
			if err == nil {
				t.Errorf("%s: %q was accepted", what, bad)
			}
			wantError(t, err, account.ErrInvalid)
		}
	}
	_, err = v.CreateCredentialIfAbsent(t.Context(), "carol", "carol2026carol!")
	wantError(t, err, account.ErrInvalid)
	v.login("alice")
	for _, good := range []string{
		"correct horse battery staple", "通勤電車は毎朝とても混んでいます", "839201746582013", "alice drinks green tea", "3FJ5QZ7RA2KD8XW",
	} {
		must(t, v.SetPassword(t.Context(), "alice", good))
		must(t, signIn(t, v.Service, "alice", good, ""))
	}
	must(t, v.SetPublishedPassword(t.Context(), "bob", "demo"))
	must(t, signIn(t, v.Service, "bob", "demo", ""))
}
