package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"todoku/cmd/todoku/cli"
)

func TestABenchmarkThatCannotBeIsAWrongCall(t *testing.T) {
	for _, args := range [][]string{
		{"bench", "push", "--mode", "fast"},
		{"bench", "push", "--streams", "10", "--connections", "11"},
		{"bench", "push", "--mode", "table", "--server", "127.0.0.1:1"},
		{"bench", "orders", "--mode", "fast"},
	} {
		if code, _, errs := newWorld(t).run(append(args, "--binary", asTodoku(t))...); code != cli.ExitUsage {
			t.Errorf("%v exits with %d: %s", args, code, errs)
		}
	}
}

func TestFeedsAreMeasuredBesideTheYardstick(t *testing.T) {
	// Where the machine is busy, nothing may arrive between the beginning and the end of a
	// run that is much shorter.
	results := newWorld(t).mustJSON("bench", "push", "--yardstick", "--binary", asTodoku(t), "--data-parent", t.TempDir(),
		"--streams", "20", "--warmup", "20ms", "--duration", "5s")
	if len(results) != 2 || results[0]["server"] != "yardstick" || results[1]["server"] != "todoku" {
		t.Fatalf("%v", results)
	}
	for _, r := range results {
		if r["deliveries_per_second"] == nil || r["lost"] != 0.0 || r["duplicated"] != 0.0 {
			t.Errorf("%v", r)
		}
	}
}

// asTodoku is a program that makes this test binary the todoku command. A benchmark
// gives its servers none of the settings in the environment, so it has to be one.
func asTodoku(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "todoku")
	text := fmt.Sprintf("#!/bin/sh\n%s=1 exec '%s' \"$@\"\n", envMain, self)
	if err := os.WriteFile(program, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	return program
}
