package main

import (
	"strings"
	"testing"

	"todoku/cmd/todoku/cli"
	"todoku/internal/apptest"
)

func TestWrongUsageEndsWithCodeTwoAndTheUsage(t *testing.T) {
	for _, line := range []string{
		"nothing", "order", "order plac", "order place", "order place BUY", "order place BUY 10 USDJPY",
		"order place BUY 10 USDJPY @ 1 --tif SOON", "order place BUY 10 USDJPY @ 1 --unknown",
		"order replace", "order replace 1", "order replace 1 --client-id x --price 1", "order replace x --price 1", "order replace 1 --price 1,5",
		"order cancel", "order cancel x", "order cancel 1 --client-id x", "order cancel 1 2 --id x", "order cancel 0",
		"order cancel-all --side UP", "order cancel-all --for-user bob --side BUY", "order list --from soon", "order list --limit -1",
		"book", "book A B", "book A --depth 0", "trades", "positions x",
		"watch --resume a --resume-file b", "watch x",
		"user", "user add", "user add x --role KING", "user passwd --data d",
		"instrument add X", "instrument add X --class FX --currency JPY --tick 0 --max-quantity 5", "instrument halt",
		"limits set alice", "limits show", "announce", "bust 1", "journal", "journal verify x", "version x",
		"serve x", "serve --grpc-addr 0.0.0.0:1", "serve --tls-cert x", "serve --day-end 25:00", "serve --log-level loud",
		"serve --log-format xml", "serve --demo --http-addr :80", "serve --demo --tls-cert x --tls-key y", "serve --retain 1h",
		"serve --retain 99999999d", "serve --heartbeat 40s", "serve --config /nowhere", "config check --drain -1s",
		"positions --server nowhere", "positions --plaintext --tls-ca x", "positions --tls-cert x", "positions --client-keepalive-time 1s",
	} {
		code, out, errs := newWorld(t).run(strings.Fields(line)...)
		if code != cli.ExitUsage || !strings.Contains(errs, "usage: todoku") || strings.Contains(out, "signed") {
			t.Errorf("todoku %s: exit code %d, %s%s", line, code, out, errs)
		}
	}
}

func TestAVenueThatCannotBeReachedEndsWithCodeThree(t *testing.T) {
	w := as(t, "127.0.0.1:1", "alice")
	for _, line := range []string{"positions", "watch", "order place BUY 1 USDJPY @ 1", "login alice", "book USDJPY --watch"} {
		if code, _, errs := w.run(strings.Fields(line)...); code != cli.ExitUnreachable {
			t.Errorf("todoku %s: exit code %d, %s", line, code, errs)
		}
	}
}

func TestARefusalEndsWithCodeOne(t *testing.T) {
	venue := apptest.Start(t)
	alice := as(t, venue.GRPCAddr().String(), "alice")
	for line, want := range map[string]string{
		"order place BUY 1000 EURUSD @ 9":        "OUTSIDE_BAND",
		"order place BUY 1 NONE @ 9":             "UNKNOWN_INSTRUMENT",
		"order place BUY 1 USDJPY @ 1.23456":     "OFF_TICK",
		"order cancel 999":                       "UNKNOWN_ORDER",
		"order replace --client-id x --price 1":  "UNKNOWN_ORDER",
		"book NONE":                              "UNKNOWN_INSTRUMENT",
		"book NONE --watch":                      "UNKNOWN_INSTRUMENT",
		"user list":                              "NOT_PERMITTED",
		"instrument halt USDJPY":                 "NOT_PERMITTED",
		"watch --resume nonsense":                "BAD_CURSOR",
		"user passwd nobody --data /nowhere/dir": "holds no venue",
		"journal stat --data /nowhere/dir":       "no such file",
	} {
		alice.env["TODOKU_NEW_PASSWORD"] = "x"
		code, _, errs := alice.run(strings.Fields(line)...)
		if code != cli.ExitFailed || !strings.Contains(errs, want) {
			t.Errorf("todoku %s: exit code %d, %s, want %s", line, code, errs, want)
		}
	}
	stranger := newWorld(t)
	stranger.env["TODOKU_SERVER"] = venue.GRPCAddr().String()
	if code, _, errs := stranger.run("positions"); code != cli.ExitFailed || !strings.Contains(errs, "not signed in") {
		t.Errorf("exit code %d, %s", code, errs)
	}
	if code, _, errs := stranger.run("logout"); code != cli.ExitFailed || !strings.Contains(errs, "not signed in") {
		t.Errorf("exit code %d, %s", code, errs)
	}
}
