package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"todoku/internal/apptest"
	"todoku/trade"
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
	if code != exitFailed || !strings.Contains(errs, "record 3 is corrupt") || !strings.Contains(errs, "good records") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}

// TestEveryEventIsExported goes by the types, so that an event whose fields the
// export cannot write is found when it is added.
func TestEveryEventIsExported(t *testing.T) {
	for _, event := range []trade.Event{
		&trade.ExecutionReport{}, &trade.CancelRejected{}, &trade.TradeChanged{}, &trade.LevelChanged{}, &trade.PositionChanged{},
		&trade.InstrumentChanged{}, &trade.UserChanged{}, &trade.PresenceChanged{}, &trade.LimitsChanged{}, &trade.Announced{},
		&trade.VenueChanged{}, &trade.DayEnded{},
	} {
		leaves := fill(t, reflect.ValueOf(event).Elem())
		line := exportRecord(&trade.Record{Sequence: 7, Time: 1, Events: []trade.Event{event}})
		var object struct{ Events []map[string]any }
		if err := json.Unmarshal(line, &object); err != nil {
			t.Fatalf("%T: %v: %s", event, err, line)
		}
		if n := values(object.Events[0]); n != leaves {
			t.Errorf("%T: %d values written of %d: %s", event, n, leaves, line)
		}
	}
	line := string(exportRecord(&trade.Record{Sequence: 7, Time: 1, Events: []trade.Event{&trade.UserChanged{
		User: trade.User{ID: "al\"ice", Roles: trade.RoleRisk | trade.RoleAdmin},
	}}}))
	contains(t, line, `"sequence":"7"`, `"time":"1970-01-01T00:00:00.000000001Z"`, `"user_changed":{"user":{"id":"al\"ice","roles":["RISK","ADMIN"]}}`)
}

// fill gives every field a value that is not zero and returns how many there are.
func fill(t *testing.T, v reflect.Value) (leaves int) {
	t.Helper()
	switch {
	case v.Type() == reflect.TypeFor[trade.Amount]():
		v.Set(reflect.ValueOf(trade.Amount{Lo: 1}))
	case v.Kind() == reflect.Struct:
		for i := range v.NumField() {
			leaves += fill(t, v.Field(i))
		}
		return leaves
	case v.Kind() == reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		return fill(t, v.Index(0))
	case v.Kind() == reflect.String:
		v.SetString("x")
	case v.Kind() == reflect.Bool:
		v.SetBool(true)
	case v.CanUint():
		v.SetUint(1)
	case v.CanInt():
		v.SetInt(1)
	default:
		t.Fatalf("the export knows no %s", v.Type())
	}
	return 1
}

// values counts the values in an object of JSON.
func values(value any) (n int) {
	switch value := value.(type) {
	case map[string]any:
		for _, each := range value {
			n += values(each)
		}
		return n
	case []any:
		for _, each := range value {
			n += values(each)
		}
		return n
	}
	return 1
}
