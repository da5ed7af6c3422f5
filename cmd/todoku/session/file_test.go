package session

import (
	"os"
	"strings"
	"testing"

	"todoku/client"
)

func TestADamagedSessionCountsAsMissing(t *testing.T) {
	store := sessionStore{dir: t.TempDir()}
	if err := store.save(client.Session{User: "alice", RefreshToken: "secret"}); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(store.path("alice"), []byte(`{"user": "al`), 0o600); err != nil {
		t.Fatal(err)
	}
	if session, err := store.load("alice"); err != nil || session.RefreshToken != "" {
		t.Errorf("%+v, %v", session, err)
	}
}

func TestServersAndUsersNeverShareAFile(t *testing.T) {
	seen := map[string]string{}
	for _, name := range []string{"a:1", "a_1", "a_3a1", "A:1", "..", ".", "", "../x", "_dots..", "[::1]:7443"} {
		file := fileName(name)
		if other, taken := seen[file]; taken || strings.ContainsAny(file, `/\:`) || file == "." || file == ".." {
			t.Errorf("%q is kept as %q, as is %q", name, file, other)
		}
		seen[file] = name
	}
}
