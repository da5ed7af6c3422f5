package main

import (
	"strings"
	"testing"

	"todoku/cmd/todoku/cli"
	"todoku/internal/apptest"
)

func TestDoctorSaysWhatStandsBetween(t *testing.T) {
	venue := apptest.Start(t)
	address := venue.GRPCAddr().String()
	alice := as(t, address, "alice")
	contains(t, alice.must("doctor", address, "--minutes", "0.02"),
		"address      "+address, "TLS          none", "HTTP/2", "Verdict", "OK         the feed was cut off and resumed", "--client-keepalive-time 20s")

	nobody := newWorld(t)
	reports := parseLines(t, nobody.must("doctor", address, "--minutes", "0.01", "--json"))
	if len(reports) != 1 || reports[0]["address"] != address {
		t.Fatalf("%v", reports)
	}
	verdict, _ := reports[0]["verdict"].(map[string]any)
	if settings, _ := verdict["settings"].(map[string]any); settings["client_keepalive_time_ms"] != 20_000.0 {
		t.Errorf("%v", verdict)
	}
	if text := nobody.must("doctor", address, "--minutes", "0.01"); !strings.Contains(text, "nobody is signed in") {
		t.Error(text)
	}

	alice.env["TODOKU_PASSWORD"] = "wrong"
	alice.env["TODOKU_USER"] = "bob"
	if code, out, _ := alice.run("doctor", "--minutes", "0.01"); code != cli.ExitFailed || !strings.Contains(out, "PROBLEM") {
		t.Errorf("wrong password: exit code %d\n%s", code, out)
	}
	venue.Shutdown()
	if code, out, _ := nobody.run("doctor", address, "--minutes", "0.01"); code != cli.ExitUnreachable || !strings.Contains(out, "PROBLEM") {
		t.Errorf("nobody there: exit code %d\n%s", code, out)
	}
	for _, wrong := range [][]string{{"doctor", "no-port"}, {"doctor", address, "--minutes", "0"}, {"doctor", address, "--minutes", "NaN"}, {"doctor", address, address}} {
		if code, _, errs := nobody.run(wrong...); code != cli.ExitUsage {
			t.Errorf("%v: exit code %d, %s", wrong, code, errs)
		}
	}
}
