package main

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"todoku/client"
	"todoku/cmd/todoku/cli"
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

// Login signs a world in as a person does, and leaves no password behind.
func (w *world) login(address, user string) string {
	w.t.Helper()
	w.env["TODOKU_SERVER"], w.env["TODOKU_PASSWORD"] = address, apptest.Password
	out := w.must("login", user)
	delete(w.env, "TODOKU_PASSWORD")
	return out
}

func TestOnlyItsOwnerCanReadAKeptSession(t *testing.T) {
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
	session := w.session()
	if session.RefreshToken == "" {
		t.Fatalf("%+v", session)
	}
	out += w.must("positions") + w.must("order", "list", "--json")
	if strings.Contains(out, session.AccessToken) || strings.Contains(out, session.RefreshToken) {
		t.Error("a token was printed")
	}
	w.must("logout")
	if w.session().RefreshToken != "" {
		t.Error("logout left the session")
	}
	if code, _, errs := w.run("positions"); code != cli.ExitFailed || !strings.Contains(errs, "todoku login") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func TestCommandsRunAsTheUserWhoSignedInLast(t *testing.T) {
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

func TestAnEndedSessionIsSignedInAgainWithoutAPrompt(t *testing.T) {
	venue := apptest.Start(t)
	address := venue.GRPCAddr().String()
	w := as(t, address, "alice")
	w.must("positions")
	before := w.session()
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
	if w.session().SessionID == before.SessionID {
		t.Error("the session that had ended is still kept")
	}
	delete(w.env, "TODOKU_PASSWORD")
	if n := len(w.mustJSON("order", "list")); n != 1 {
		t.Errorf("%d orders, want 1: the refused call was done once", n)
	}
}

// session returns what is kept of alice's session; zero if nothing is.
func (w *world) session() (session client.Session) {
	w.t.Helper()
	for _, name := range w.sessionFiles() {
		if filepath.Base(name) != "alice.json" {
			continue
		}
		data, err := os.ReadFile(name)
		if err := errors.Join(err, json.Unmarshal(data, &session)); err != nil {
			w.t.Fatal(err)
		}
	}
	return session
}

// Containers, services and cron jobs have no HOME.
func TestWithoutAHomeEveryCommandSignsInByItself(t *testing.T) {
	t.Parallel()
	venue := apptest.Start(t)
	w := as(t, venue.GRPCAddr().String(), "alice")
	w.home = ""
	w.must("order", "place", "BUY", "1", "USDJPY", "@", "151.25", "--id", "homeless")
	contains(t, w.must("order", "list"), "homeless")
	if code, _, errs := w.run("login", "alice"); code != cli.ExitFailed || !strings.Contains(errs, "set HOME, or set TODOKU_USER and TODOKU_PASSWORD") {
		t.Errorf("login: exit code %d, %s", code, errs)
	}
	delete(w.env, "TODOKU_PASSWORD")
	if code, _, errs := w.run("positions"); code != cli.ExitFailed || !strings.Contains(errs, "set TODOKU_USER and TODOKU_PASSWORD") {
		t.Errorf("without a password: exit code %d, %s", code, errs)
	}
}

func TestTheUserOfAnAuditIsWhoItIsAbout(t *testing.T) {
	t.Parallel()
	venue := apptest.Start(t)
	address := venue.GRPCAddr().String()
	as(t, address, "alice").must("order", "place", "BUY", "1", "USDJPY", "@", "151.25")
	as(t, address, "bob").must("order", "place", "BUY", "1", "USDJPY", "@", "151.25")
	admin := as(t, address, "admin")
	wantUsers := func(want string, lines []map[string]any) {
		t.Helper()
		if len(lines) == 0 {
			t.Errorf("no lines, want those of %s", want)
		}
		for _, line := range lines {
			if line["user"] != want {
				t.Errorf("a line of %v, want %s only", line["user"], want)
			}
		}
	}
	wantUsers("bob", admin.mustJSON("audit", "--user", "bob"))
	wantUsers("bob", admin.mustJSON("audit", "bob"))
	admin.must("connections", "--user", "bob", "--ended", "5")
	admin.must("audit", "told", "1", "--user", "bob")
	if code, _, errs := admin.run("audit", "alice", "--user", "bob"); code != cli.ExitUsage || !strings.Contains(errs, "contradicts") {
		t.Errorf("two users: exit code %d, %s", code, errs)
	}
	// Who to be is --as, and still TODOKU_USER and "user" in the file.
	admin.env["TODOKU_USER"] = "alice"
	wantUsers("bob", admin.mustJSON("audit", "bob", "--as", "admin"))
	delete(admin.env, "TODOKU_USER")
	wantUsers("bob", admin.mustJSON("audit", "bob", "--config", writeFile(t, "user: admin\n")))
}
