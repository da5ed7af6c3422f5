package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
)

// drainOf returns the drain that serve would run with.
func drainOf(t *testing.T, w *world, args ...string) (time.Duration, error) {
	t.Helper()
	a, _, _ := w.app()
	root := root(a)
	command, rest, err := root.Find(append([]string{"serve"}, args...))
	if err != nil {
		t.Fatal(err)
	}
	if err := command.ParseFlags(rest); err != nil {
		t.Fatal(err)
	}
	if err := a.ApplySettings(command); err != nil {
		return 0, err
	}
	return command.Flags().GetDuration("drain")
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "todoku.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestFlagsWinOverEnvironmentOverFileOverDefaults(t *testing.T) {
	w := newWorld(t)
	file := writeFile(t, "# A comment.\ndrain: 3s\nserver: elsewhere:1\n")
	expect := func(want time.Duration, args ...string) {
		t.Helper()
		if got, err := drainOf(t, w, args...); err != nil || got != want {
			t.Errorf("%v: %v, %v, want %v", args, got, err, want)
		}
	}
	expect(40 * time.Second)
	expect(3*time.Second, "--config", file)
	w.env["TODOKU_DRAIN"] = "2s"
	expect(2*time.Second, "--config", file)
	expect(time.Second, "--config", file, "--drain", "1s")
	delete(w.env, "TODOKU_DRAIN")
	w.env["TODOKU_CONFIG"] = file
	expect(3 * time.Second)
}

func TestAWrongSettingIsRefusedNamingTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"drain: 3s\ngrcp-addr: x\n":      `:2: there is no setting "grcp-addr"; did you mean "grpc-addr"?`,
		"\n\nsymbol: USDJPY\n":           `:3: there is no setting "symbol"`,
		"drain: 3s\n\ndrain: 4s\n":       `:3: drain is already set on line 1`,
		"drain:\n  - 3s\n":               `:1: drain needs one value`,
		"drain:\n":                       `:1: drain needs one value`,
		"drain: soon\n":                  `:1: invalid value "soon" for drain`,
		"- drain\n":                      `:1: a mapping is expected`,
		"drain: 3s\n\tdata: x\n":         `line 2`,
		"json: true\n":                   `there is no setting "json"`,
		"drain: 3s\ndata: x\ndemo: 7s\n": `:3: invalid value "7s" for demo`,
	} {
		_, err := drainOf(t, newWorld(t), "--config", writeFile(t, text))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	w := newWorld(t)
	w.env["TODOKU_DRAIN"] = "soon"
	if _, err := drainOf(t, w); err == nil || !strings.Contains(err.Error(), "TODOKU_DRAIN") {
		t.Errorf("%v does not name the variable", err)
	}
	if _, err := drainOf(t, newWorld(t), "--config", "/nowhere/todoku.yaml"); err == nil {
		t.Error("a file that is not there was passed over")
	}
}

func TestEveryCommandExplainsItself(t *testing.T) {
	a, _, _ := newWorld(t).app()
	var visit func(*cobra.Command)
	visit = func(c *cobra.Command) {
		if c.Name() == "help" || c.Name() == "completion" {
			return
		}
		if c.Short == "" || len(c.Commands()) == 0 && c.Example == "" {
			t.Errorf("%s has no short text or no example", c.CommandPath())
		}
		for _, child := range c.Commands() {
			visit(child)
		}
	}
	visit(root(a))
}
