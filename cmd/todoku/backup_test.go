package main

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"todoku/cmd/todoku/cli"
	"todoku/engine"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/journal"
	"todoku/server"
	"todoku/sqlite"
)

// hashAfter replays a venue's journal up to a sequence and returns the hash of the state.
func hashAfter(t *testing.T, dir string, sequence uint64) string {
	t.Helper()
	from, into := apptest.OpenJournal(t, dir), filepath.Join(t.TempDir(), "journal.db")
	store, err := sqlite.OpenJournal(t.Context(), into, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = store.Close() }()
	if err := journal.Walk(t.Context(), from, 0, sequence, func(r journal.Record) error {
		return store.Append(t.Context(), r.Sequence-1, []journal.Record{r})
	}); err != nil {
		t.Fatal(err)
	}
	log, err := journal.Open(t.Context(), store, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(t.Context(), log, engine.Options{Clock: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	at, sum, err := e.Hash()
	if err != nil || at != sequence {
		t.Fatalf("state after %d, %v, want %d", at, err, sequence)
	}
	return hex.EncodeToString(sum[:])
}

// load places orders on a venue until the returned function is called.
func load(t *testing.T, app *apptest.App) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	alice := app.SignIn("alice")
	var running sync.WaitGroup
	running.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			_, err := alice.Orders.PlaceOrder(ctx, apptest.Limit(fmt.Sprint("load", i), "USDJPY", todokuv1.Side_SIDE_BUY, "1", "151.25"))
			if err != nil && ctx.Err() == nil {
				t.Errorf("order %d: %v", i, err)
				return
			}
		}
	})
	return func() { cancel(); running.Wait() }
}

func TestABackupOfARunningVenueRestoresToTheSameState(t *testing.T) {
	t.Parallel()
	dir, saved := t.TempDir(), filepath.Join(t.TempDir(), "deep", "copy")
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	app := apptest.Serve(t, apptest.Config(dir))
	kept := newWorld(t) // A session of the original.
	kept.login(app.GRPCAddr().String(), "bob")
	stopLoad := load(t, app)
	before := app.Head()
	w := newWorld(t)
	summary := w.mustJSON("backup", saved, "--data", dir)[0]
	stopLoad()
	copied, _ := summary["journal"].(map[string]any)
	var head uint64
	if _, err := fmt.Sscan(fmt.Sprint(copied["head_sequence"]), &head); err != nil || head < before {
		t.Errorf("the copy ends at %v, and %d records were durable before it began", copied["head_sequence"], before)
	}
	if got, want := hashAfter(t, saved, head), hashAfter(t, dir, head); got != want {
		t.Errorf("the state of the copy is %s, that of the original %s", got, want)
	}
	if _, err := os.Stat(filepath.Join(saved, "keys")); err == nil {
		t.Error("the signing keys are in the copy")
	}
	wantPrivate(t, saved)

	// Clients of the original come back to a venue that lost the records after the backup.
	alice := app.SignIn("alice").Attach(&todokuv1.FeedNotificationRequest{})
	alice.Snapshot()
	cursor := alice.Cursor
	app.Shutdown()
	restored := serveAt(t, saved, app)
	again := restored.SignIn("alice").Attach(&todokuv1.FeedNotificationRequest{ResumeAfter: cursor})
	if start := again.Hello.GetStart(); start != todokuv1.Hello_START_RESET {
		t.Errorf("a cursor of the original begins a stream with %v, want RESET", start)
	}
	if code, _, errs := kept.run("positions"); code != cli.ExitFailed || !strings.Contains(errs, "BAD_TOKEN") {
		t.Errorf("a session whose key was not copied: exit code %d, %s", code, errs)
	}
	// The history is there, and goes on.
	trader := as(t, restored.GRPCAddr().String(), "alice")
	contains(t, trader.must("order", "place", "BUY", "1", "USDJPY", "@", "151.25", "--id", "after"), "NEW")
	contains(t, trader.must("order", "list", "--limit", "0"), "load0", "after")
}

// serveAt serves dir at the address of an earlier venue, where clients have their sessions.
func serveAt(t *testing.T, dir string, earlier *apptest.App) *apptest.App {
	t.Helper()
	config := apptest.Config(dir)
	config.GRPCAddr = earlier.GRPCAddr().String()
	return apptest.Serve(t, config)
}

// wantPrivate checks that only the owner can read a directory and its files.
func wantPrivate(t *testing.T, dir string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		return // Its modes say nothing of other users.
	}
	err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v; others can read it", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestABackupWithKeysKeepsSessions(t *testing.T) {
	t.Parallel()
	dir, saved := t.TempDir(), t.TempDir()
	if err := os.Chmod(saved, 0o755); err != nil { // The backup must make it private.
		t.Fatal(err)
	}
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	app := apptest.Serve(t, apptest.Config(dir))
	w := newWorld(t)
	w.login(app.GRPCAddr().String(), "bob")
	app.Shutdown()
	contains(t, w.must("backup", saved, "--data", dir, "--with-keys"), "keys", "journal.db", "all good; with signing keys")
	wantPrivate(t, saved)
	serveAt(t, saved, app)
	w.must("positions")
}

func TestABackupRefusesWhatItCannotCopyAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	dir, saved := t.TempDir(), t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	if code, _, errs := w.run("backup", dir, "--data", dir); code != cli.ExitFailed || !strings.Contains(errs, "is not empty") {
		t.Errorf("into a directory with files: exit code %d, %s", code, errs)
	}
	if code, _, errs := w.run("backup", saved, "--data", saved); code != cli.ExitFailed || !strings.Contains(errs, "no such file") {
		t.Errorf("of no venue: exit code %d, %s", code, errs)
	}
	// A record whose checksum is right and that no version has written.
	store, err := sqlite.OpenJournal(t.Context(), filepath.Join(dir, "journal.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	_, head, err := store.Bounds(t.Context())
	if err == nil {
		err = store.Append(t.Context(), head, []journal.Record{{Sequence: head + 1, Time: time.Now().UnixNano(), Data: []byte("no record")}})
	}
	if err = errors.Join(err, store.Close()); err != nil {
		t.Fatal(err)
	}
	if code, _, errs := w.run("backup", saved, "--data", dir); code != cli.ExitFailed || !strings.Contains(errs, "good records, then") {
		t.Errorf("of a damaged venue: exit code %d, %s", code, errs)
	}
	if entries, err := os.ReadDir(saved); err != nil || len(entries) > 0 {
		t.Errorf("%v, %v are left of a refused backup", entries, err)
	}
}

func TestABackupLeavesOutADamagedHistory(t *testing.T) {
	t.Parallel()
	dir, saved := t.TempDir(), t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "history.db"), bytes.Repeat([]byte("no database"), 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := newWorld(t).run("backup", saved, "--data", dir)
	if code != cli.ExitDone || !strings.Contains(errs, "history.db is left out") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if state, err := server.InspectStorage(saved); err != nil || state != server.StorageIdle {
		t.Errorf("state %v, %v", state, err)
	}
}

func TestRotatedKeysEndAllSessions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	app := apptest.Serve(t, apptest.Config(dir))
	w := newWorld(t)
	w.login(app.GRPCAddr().String(), "bob")
	before := readKeys(t, dir)
	contains(t, w.must("keys", "rotate", "--data", dir), "the running server ends all sessions")
	app.Shutdown()
	contains(t, w.must("keys", "rotate", "--data", dir), "all sessions end when the venue starts")
	after := readKeys(t, dir)
	if len(before) != 1 || len(after) != 1 || after[0]["secret"] == before[0]["secret"] || after[0]["id"] != 3.0 {
		t.Errorf("keys were %v and are %v", before, after)
	}
	app = serveAt(t, dir, app)
	if code, _, errs := w.run("positions"); code != cli.ExitFailed || !strings.Contains(errs, "BAD_TOKEN") {
		t.Errorf("a session of the old key: exit code %d, %s", code, errs)
	}
	w.login(app.GRPCAddr().String(), "bob")
	w.must("positions")
	if code, _, errs := w.run("keys", "rotate", "--data", t.TempDir()); code != cli.ExitFailed || !strings.Contains(errs, "holds no venue") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

func readKeys(t *testing.T, dir string) (keys []map[string]any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "keys"))
	if err == nil {
		err = json.Unmarshal(text, &keys)
	}
	if err != nil {
		t.Fatal(err)
	}
	return keys
}
