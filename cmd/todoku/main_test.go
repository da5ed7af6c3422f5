package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"todoku/cmd/todoku/cli"
	"todoku/internal/apptest"
)

// envMain makes this test binary the todoku command, for tests that need a process.
const envMain = "TODOKU_TEST_MAIN"

func TestMain(m *testing.M) {
	apptest.Main()
	if os.Getenv(envMain) != "" {
		os.Exit(mainCode())
	}
	goleak.VerifyTestMain(m)
}

// world is the surroundings of an app, controlled by the test.
type world struct {
	t    *testing.T
	env  map[string]string
	home string
}

// newWorld returns a world without a session and with an empty environment.
func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{t: t, env: map[string]string{}, home: t.TempDir()}
}

// as returns a world whose environment signs user in at address.
func as(t *testing.T, address, user string) *world {
	t.Helper()
	w := newWorld(t)
	w.env["TODOKU_SERVER"], w.env["TODOKU_USER"], w.env["TODOKU_PASSWORD"] = address, user, apptest.Password
	return w
}

// buffer takes the output of a command and can be read while the command runs.
type buffer struct {
	mu   sync.Mutex // protects text
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func (w *world) app() (a *cli.App, out, errs *buffer) {
	out, errs = &buffer{}, &buffer{}
	a = &cli.App{
		In: strings.NewReader(""), Out: out, Errors: errs, Now: time.Now, CompletionWait: apptest.Patience,
		LookupEnv: func(name string) (string, bool) { v, ok := w.env[name]; return v, ok },
		Environ: func() (all []string) {
			for name, value := range w.env {
				all = append(all, name+"="+value)
			}
			return all
		},
		ConfigDir: func() (string, error) {
			if w.home == "" {
				return "", errors.New("neither $XDG_CONFIG_HOME nor $HOME are defined")
			}
			return w.home, nil
		},
	}
	return a, out, errs
}

// run executes a command line and returns its exit code and output.
func (w *world) run(args ...string) (code int, out, errs string) {
	w.t.Helper()
	a, o, e := w.app()
	code = run(w.t.Context(), a, args)
	return code, o.String(), e.String()
}

// must executes a command line that must succeed, and returns its output.
func (w *world) must(args ...string) string {
	w.t.Helper()
	code, out, errs := w.run(args...)
	if code != cli.ExitDone {
		w.t.Fatalf("todoku %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

// mustJSON executes a command line with --json and returns the objects it printed.
func (w *world) mustJSON(args ...string) []map[string]any {
	w.t.Helper()
	return parseLines(w.t, w.must(append(args, "--json")...))
}

func parseLines(t *testing.T, text string) (objects []map[string]any) {
	t.Helper()
	for line := range strings.Lines(text) {
		if !strings.HasSuffix(line, "\n") {
			break // It is being written.
		}
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("not an object a line: %v: %q", err, line)
		}
		objects = append(objects, object)
	}
	return objects
}

func contains(t *testing.T, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in:\n%s", want, text)
		}
	}
}
