package main

import (
	"strconv"
	"strings"
	"testing"

	"todoku/cmd/todoku/cli"
	"todoku/internal/apptest"
)

func TestAnOrdersLifeByCommandLine(t *testing.T) {
	running := apptest.Start(t)
	address := running.GRPCAddr().String()
	alice, bob := as(t, address, "alice"), as(t, address, "bob")

	contains(t, alice.must("order", "place", "BUY", "10", "USDJPY", "@", "151.25", "--id", "mine"),
		"order 1 NEW: BUY 10 USDJPY @ 151.25; 0 filled, 10 working")
	contains(t, alice.must("order", "place", "BUY", "10", "USDJPY", "@", "151.25", "--id", "mine"), "order 1 NEW")
	contains(t, bob.must("order", "place", "SELL", "4", "USDJPY", "--type", "market"), "order 2 FILLED", "4 filled, 0 working")
	contains(t, alice.must("order", "list"), "ORDER", "151.25", "PARTIALLY_FILLED", "mine")
	contains(t, alice.must("order", "replace", "--client-id", "mine", "--quantity", "8"), "order 1 PARTIALLY_FILLED", "4 working")
	contains(t, alice.must("book", "usdjpy"), "USDJPY, last 151.25", "BID", "4  151.25")
	contains(t, alice.must("order", "cancel", "1"), "order 1 CANCELED")
	if code, _, errs := alice.run("order", "cancel", "1"); code != cli.ExitFailed {
		t.Errorf("canceling twice: exit code %d, %s", code, errs)
	}
	if n := len(alice.mustJSON("order", "list")); n != 0 {
		t.Errorf("%d working orders after the cancel", n)
	}
	all := alice.mustJSON("order", "list", "--all", "--from", "-1h")
	if len(all) != 1 || all[0]["status"] != "ORDER_STATUS_CANCELED" || all[0]["filled_quantity"] != "4" {
		t.Errorf("%v", all)
	}
	contains(t, alice.must("positions"), "alice    USDJPY", "151.25000", "605")
	contains(t, bob.must("positions"), "-4")
	trades := alice.mustJSON("trades", "USDJPY")
	if len(trades) != 1 || trades[0]["price"] != "151.25" || trades[0]["aggressor"] != "SIDE_SELL" {
		t.Errorf("%v", trades)
	}
}

func TestManyOrdersAreCanceledAtOnceAndListedInPages(t *testing.T) {
	running := apptest.Start(t)
	alice := as(t, running.GRPCAddr().String(), "alice")
	for i := range 5 {
		alice.must("order", "place", "BUY", "1", "USDJPY", "@", strconv.Itoa(100+i))
	}
	a, out, errs := alice.app()
	if run(t.Context(), a, []string{"order", "list", "--limit", "3"}) != cli.ExitDone || strings.Count(out.String(), "\n") != 4 {
		t.Errorf("a head and 3 orders wanted:\n%s", out)
	}
	contains(t, errs.String(), "there are more")
	contains(t, alice.must("order", "cancel", "1", "2"), "order 1 CANCELED", "order 2 CANCELED")
	contains(t, alice.must("order", "cancel-all", "--side", "SELL"), "0 orders canceled")
	contains(t, alice.must("order", "cancel-all", "--symbol", "usdjpy"), "3 orders canceled")
}

func TestTheVenueIsAdministeredByCommandLine(t *testing.T) {
	running := apptest.Start(t)
	address := running.GRPCAddr().String()
	admin, alice := as(t, address, "admin"), as(t, address, "alice")
	admin.env["TODOKU_NEW_PASSWORD"] = "rain on a tin roof"

	contains(t, admin.must("user", "add", "dora", "--display-name", "Dora", "--role", "trader"), "dora (Dora), TRADER, accounts dora")
	dora := as(t, address, "dora")
	dora.env["TODOKU_PASSWORD"] = admin.env["TODOKU_NEW_PASSWORD"]
	dora.must("order", "place", "BUY", "1", "USDJPY", "@", "100")
	contains(t, admin.must("user", "list"), "dora", "Dora", "TRADER")
	contains(t, admin.must("user", "suspend", "dora"), "suspended")
	if code, _, errs := dora.run("positions"); code != cli.ExitFailed {
		t.Errorf("a suspended user got in: %s", errs)
	}
	contains(t, admin.must("user", "resume", "dora"), "may sign in again")
	dora.env["TODOKU_NEW_PASSWORD"] = "snow on a tin roof"
	contains(t, dora.must("user", "passwd"), "your password is changed")
	dora.env["TODOKU_PASSWORD"] = dora.env["TODOKU_NEW_PASSWORD"]
	dora.must("login", "dora")
	contains(t, admin.must("user", "passwd", "dora"), "the password of dora is set")

	contains(t, admin.must("instrument", "add", "gbpusd", "--class", "fx", "--currency", "USD", "--tick", "0.0001", "--max-quantity", "1000"), "GBPUSD is OPEN")
	contains(t, admin.must("instrument", "halt", "GBPUSD", "--reason", "news pending"), "GBPUSD is HALTED")
	contains(t, alice.must("instrument", "list"), "GBPUSD", "HALTED", "FX")
	contains(t, admin.must("instrument", "open", "GBPUSD"), "GBPUSD is OPEN")
	contains(t, admin.must("instrument", "close", "GBPUSD"), "GBPUSD is CLOSED")

	contains(t, admin.must("limits", "set", "alice", "--max-open-orders", "2", "--max-order-quantity", "50"), "open orders 2")
	contains(t, admin.must("limits", "set", "alice", "--max-open-orders", "0", "--max-messages", "none"), "largest order 50")
	contains(t, admin.must("limits", "show", "alice"), "largest order 50", "open orders as the venue's default", "messages per second unlimited")
	if code, _, errs := admin.run("limits", "set", "alice", "--max-messages", "many"); code != cli.ExitUsage || !strings.Contains(errs, "none for no limit") {
		t.Errorf("an invalid limit: exit code %d, %s", code, errs)
	}
	contains(t, admin.must("announce", "closing", "soon"), "announced")

	alice.must("order", "place", "BUY", "1", "USDJPY", "@", "120")
	dora.env["TODOKU_PASSWORD"] = admin.env["TODOKU_NEW_PASSWORD"]
	dora.must("order", "place", "SELL", "1", "USDJPY", "--type", "market")
	contains(t, admin.must("bust", "1", "--reason", "wrong price"), "trade 1 is busted")
	contains(t, alice.must("trades", "USDJPY"), "BUSTED")
	dora.must("order", "place", "BUY", "1", "USDJPY", "@", "90")
	contains(t, admin.must("order", "cancel-all", "--for-user", "dora"), "of dora canceled")

	contains(t, admin.must("audit", "dora", "--limit", "0"), "PLACE_ORDER", "dora")
	contains(t, admin.must("connections"), "USER", "CONNECTION")
	contains(t, admin.must("connections", "--detail", "AAAAAAAAAAAAAAAAAAAAAA"), "no stream is attached")
	contains(t, admin.must("audit", "told", "1"), "SEQUENCE", "ACKNOWLEDGED")
	if code, _, errs := admin.run("audit", "told", "soon"); code != cli.ExitUsage {
		t.Errorf("an invalid sequence: exit code %d, %s", code, errs)
	}
	contains(t, admin.must("version"), "todoku")
}

func TestEveryLineOfJSONIsOneObject(t *testing.T) {
	running := apptest.Start(t)
	address := running.GRPCAddr().String()
	alice, admin := as(t, address, "alice"), as(t, address, "admin")
	placed := alice.mustJSON("order", "place", "BUY", "1", "USDJPY", "@", "100")
	if len(placed) != 1 || placed[0]["order_id"] != "1" || placed[0]["cursor"] == "" {
		t.Errorf("%v", placed)
	}
	for _, line := range []string{"order list", "book USDJPY", "trades USDJPY", "positions", "instrument list"} {
		alice.mustJSON(strings.Fields(line)...)
	}
	for _, line := range []string{"user list", "limits show alice", "connections", "audit", "announce hello"} {
		admin.mustJSON(strings.Fields(line)...)
	}
	a, out, _ := alice.app()
	if run(t.Context(), a, strings.Fields("order place BUY 1000 EURUSD @ 9 --json")) != cli.ExitFailed {
		t.Error("a rejected order did not fail the command")
	}
	if lines := parseLines(t, out.String()); len(lines) != 1 || lines[0]["status"] != "ORDER_STATUS_REJECTED" {
		t.Errorf("%v", lines)
	}
}

func TestShellsCompleteWhatTheVenueKnows(t *testing.T) {
	running := apptest.Start(t)
	alice := as(t, running.GRPCAddr().String(), "alice")
	contains(t, alice.must("__complete", "book", ""), "USDJPY\tUS dollar / yen")
	contains(t, alice.must("__complete", "order", "place", "BUY", "10", ""), "EURUSD")
	contains(t, alice.must("__complete", "order", "place", ""), "BUY", "SELL")
	contains(t, alice.must("__complete", "order", "place", "--tif", ""), "IOC")
	contains(t, as(t, "127.0.0.1:1", "alice").must("__complete", "book", ""), ":")
	contains(t, alice.must("completion", "bash"), "todoku")
}
