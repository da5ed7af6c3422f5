package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// sessionFiles returns what lies where sessions are kept.
func (w *world) sessionFiles() (files []string) {
	w.t.Helper()
	err := filepath.WalkDir(w.home, func(path string, entry os.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files = append(files, path)
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return files
}

// login signs a world in as a person does, and leaves no password behind.
func (w *world) login(address, user string) string {
	w.t.Helper()
	w.env["TODOKU_SERVER"], w.env["TODOKU_PASSWORD"] = address, apptest.Password
	out := w.must("login", user)
	delete(w.env, "TODOKU_PASSWORD")
	return out
}

func TestASessionIsKeptForItsOwnerAlone(t *testing.T) {
	venue := apptest.Start(t)
	w := newWorld(t)
	out := w.login(venue.GRPCAddr().String(), "alice")
	files := w.sessionFiles()
	if len(files) != 2 {
		t.Fatalf("files %v, want a session and the name of its user", files)
	}
	for _, name := range files {
		info, err := os.Stat(name)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v, want 0600", name, info.Mode(), err)
		}
		if info, err := os.Stat(filepath.Dir(name)); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("its directory: %v, %v, want 0700", info.Mode(), err)
		}
	}
	store := sessionStore{filepath.Dir(files[0])}
	session, err := store.load("alice")
	if err != nil || session.RefreshToken == "" {
		t.Fatalf("%v, %v", session.User, err)
	}
	out += w.must("positions") + w.must("order", "list", "--json")
	if strings.Contains(out, session.AccessToken) || strings.Contains(out, session.RefreshToken) {
		t.Error("a token was printed")
	}
	w.must("logout")
	if session, _ := store.load("alice"); session.RefreshToken != "" {
		t.Error("logout left the session")
	}
	if code, _, errs := w.run("positions"); code != exitFailed || !strings.Contains(errs, "todoku login") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestTheLatestSignInIsWhoCommandsRunAs(t *testing.T) {
	venue := apptest.Start(t)
	address := venue.GRPCAddr().String()
	w := newWorld(t)
	w.login(address, "alice")
	w.login(address, "bob")
	if out := w.must("order", "place", "BUY", "1", "USDJPY", "@", "100", "--json"); !strings.Contains(out, "NEW") {
		t.Error(out)
	}
	if n := len(w.mustJSON("order", "list")); n != 1 {
		t.Errorf("bob has %d orders", n)
	}
	if n := len(w.mustJSON("order", "list", "--user", "alice")); n != 0 {
		t.Errorf("alice has %d orders", n)
	}
}

func TestASessionThatHasEndedIsSignedInAgainWithoutAPrompt(t *testing.T) {
	venue := apptest.Start(t)
	address := venue.GRPCAddr().String()
	w := as(t, address, "alice")
	w.must("positions")
	before := w.session(address, "alice")
	admin := venue.Client("admin")
	// Setting the password ends all sessions.
	if _, err := admin.Admin().UpdateUser(t.Context(), &todokuv1.UpdateUserRequest{
		RequestId: client.NewRequestID(), User: "alice", Password: apptest.Password,
	}); err != nil {
		t.Fatal(err)
	}
	if out := w.must("order", "place", "BUY", "1", "USDJPY", "@", "100"); !strings.Contains(out, "NEW") {
		t.Error(out)
	}
	if w.session(address, "alice").SessionID == before.SessionID {
		t.Error("the session that had ended is still kept")
	}
	delete(w.env, "TODOKU_PASSWORD")
	if n := len(w.mustJSON("order", "list")); n != 1 {
		t.Errorf("%d orders, want 1: the refused call was done once", n)
	}
}

func (w *world) session(address, user string) client.Session {
	w.t.Helper()
	a, _, _ := w.app()
	store, err := a.sessions(address)
	if err != nil {
		w.t.Fatal(err)
	}
	session, err := store.load(user)
	if err != nil {
		w.t.Fatal(err)
	}
	return session
}

func TestADamagedSessionIsNone(t *testing.T) {
	store := sessionStore{t.TempDir()}
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

// TestCommandsSideBySideShareOneRefresh: a refresh token is good once. The second
// of two commands must take what the first was given, or the venue sees a thief.
func TestCommandsSideBySideShareOneRefresh(t *testing.T) {
	config := apptest.Config(t.TempDir())
	config.Accounts.RetryWindow = time.Nanosecond // No mercy for a token that was used.
	if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	running := apptest.Serve(t, config)
	w := newWorld(t)
	w.login(running.GRPCAddr().String(), "alice")
	a, _, _ := w.app()
	c := &connection{
		server: running.GRPCAddr().String(), plaintext: true,
		keepaliveTime: clientKeepaliveTime, keepaliveTimeout: clientKeepaliveTimeout,
	}
	err := a.withClient(t.Context(), c, func(first *venue) error {
		return a.withClient(t.Context(), c, func(second *venue) error {
			for _, each := range []*venue{first, second, first} {
				if err := each.Refresh(t.Context()); err != nil {
					return err
				}
				if _, err := each.Orders().ListPositions(t.Context(), &todokuv1.ListPositionsRequest{}); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}
