package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"todoku/cmd/todoku/cli"
	"todoku/internal/apptest"
)

func TestTheJournalIsReadBesideARunningServer(t *testing.T) {
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	running := apptest.Serve(t, apptest.Config(dir))
	w := as(t, running.GRPCAddr().String(), "alice")
	w.must("order", "place", "BUY", "10", "USDJPY", "@", "151.25", "--id", "mine")

	contains(t, w.must("journal", "verify", "--data", dir), "all good")
	stat := w.mustJSON("journal", "stat", "--data", dir)[0]
	kinds, _ := stat["kinds"].(map[string]any)
	if kinds["PLACE_ORDER"] != 1.0 || kinds["UPSERT_USER"] != float64(len(apptest.Users())) || stat["epoch"] == "" {
		t.Errorf("%v", stat)
	}
	contains(t, w.must("journal", "stat", "--data", dir), "PLACE_ORDER", "epoch", "journal.db")

	var order map[string]any
	records := parseLines(t, w.must("journal", "export", "--data", dir))
	for _, r := range records {
		if r["kind"] == "PLACE_ORDER" {
			order = r
		}
	}
	text, err := json.Marshal(order)
	if err != nil {
		t.Fatal(err)
	}
	contains(t, string(text), `"user":"alice"`, `"request":"mine"`, `"price":"151.25"`, `"quantity":"10"`, `"level_changed"`, `"side":"BUY"`)
	if last := parseLines(t, w.must("journal", "export", "--data", dir, "--after", "2", "--through", "3")); len(last) != 1 || last[0]["sequence"] != "3" {
		t.Errorf("%v", last)
	}
}

func TestVerifyNamesTheDamagedRecord(t *testing.T) {
	dir := t.TempDir()
	if err := apptest.Seed(t.Context(), dir, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "journal.db")
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(data), "Test carol")
	if at < 0 {
		t.Fatal("the record of carol is not where it was looked for")
	}
	data[at] ^= 1
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, errs := newWorld(t).run("journal", "verify", "--data", dir)
	if code != cli.ExitFailed || !strings.Contains(errs, "record 3 is corrupt") || !strings.Contains(errs, "good records") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
