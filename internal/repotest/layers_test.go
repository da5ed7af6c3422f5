package repotest

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "todoku/"

// The trees of generated code. They are layers like any other: only the packages that speak
// the API use its messages, only one package encodes the stored records, and only the
// example uses its own.
const (
	wire    = "gen/todoku/v1"
	web     = "gen/todoku/v1/todokuv1connect"
	records = "gen/todoku/journal/v1"
	chat    = "gen/chat/v1"
)

// layers lists which of our packages each package may import. It is the
// architecture; docs/architecture.md shows the same table to people, and
// TestArchitecturePageShowsTheLayers keeps the two equal.
var layers = map[string][]string{
	"trade":               {},
	"trade/record":        {"trade", records},
	"journal":             {},
	"journal/journaltest": {"journal"},
	"book":                {},
	"engine":              {"trade", "trade/record", "book", "journal"},
	"push":                {},
	"push/pushtest":       {"push"},
	"push/grpcpush":       {"push"},
	"digest":              {},
	"feed":                {"trade", "trade/record", "journal", "push", "digest"},
	"feed/feedtest":       {"trade", "push/pushtest", "feed"},
	"history":             {"trade", "trade/record", "journal"},
	"history/historytest": {"trade", "journal", "history"},
	"account":             {},
	"live":                {"trade", "feed", "push"},
	"live/livetest":       {"push", "live"},
	"deadline":            {wire},
	"door":                {},
	"account/accounttest": {"account"},
	"sqlite":              {"trade", "trade/record", "journal", "history", "live", "account"},
	"rpc":                 {"trade", "engine", "journal", "feed", "history", "push", "push/grpcpush", "live", "account", "deadline", "rpc/wirecost", wire, web},
	"rpc/wirecost":        {},
	"server": {
		"trade", "trade/record", "engine", "journal", "feed", "history", "push", "push/grpcpush",
		"live", "account", "door", "rpc", "sqlite", "web", wire,
	},
	"web":                 {},
	"client":              {"deadline", "digest", wire},
	"demo":                {"client", "trade", wire},
	"bench":               {"client", "trade", "internal/h2", wire},
	"bench/yardstick":     {wire},
	"doctor":              {"client", "internal/h2", wire},
	"cmd/todoku/cli":      {"client", "trade"},
	"cmd/todoku/notation": {"cmd/todoku/cli", wire},
	"cmd/todoku/session":  {"client", "cmd/todoku/cli", wire},
	"cmd/todoku/watch":    {"client", "cmd/todoku/cli", "cmd/todoku/notation", "cmd/todoku/session", wire},
	"cmd/todoku/order":    {"client", "trade", "cmd/todoku/cli", "cmd/todoku/notation", "cmd/todoku/session", wire},
	"cmd/todoku/market": {
		"client", "trade", "cmd/todoku/cli", "cmd/todoku/notation", "cmd/todoku/session", "cmd/todoku/watch", wire,
	},
	"cmd/todoku/admin":   {"account", "rpc", "server", "trade", "cmd/todoku/cli", "cmd/todoku/notation", "cmd/todoku/session", wire},
	"cmd/todoku/audit":   {"cmd/todoku/cli", "cmd/todoku/session", wire},
	"cmd/todoku/journal": {"journal", "server", "trade", "trade/record", "cmd/todoku/cli", wire},
	"cmd/todoku/bench":   {"bench", "bench/yardstick", "client", "cmd/todoku/cli", "cmd/todoku/session"},
	"cmd/todoku/doctor":  {"client", "doctor", "cmd/todoku/cli", "cmd/todoku/session"},
	"cmd/todoku/serve": {
		"client", "demo", "rpc", "server", "trade", "web", "cmd/todoku/admin", "cmd/todoku/cli", "cmd/todoku/session", wire,
	},
	"cmd/todoku/config": {"deadline", "server", "cmd/todoku/cli", "cmd/todoku/serve"},
	"cmd/todoku": {
		"cmd/todoku/admin", "cmd/todoku/audit", "cmd/todoku/bench", "cmd/todoku/cli", "cmd/todoku/config",
		"cmd/todoku/doctor", "cmd/todoku/journal", "cmd/todoku/market", "cmd/todoku/order", "cmd/todoku/serve",
		"cmd/todoku/session", "cmd/todoku/watch",
	},
	"examples/chat":     {"push", "push/grpcpush", chat},
	"internal/apptest":  {"account", "client", "journal", "server", "trade", "trade/record", wire},
	"internal/chaos":    {},
	"internal/flood":    {},
	"internal/h2":       {},
	"internal/pathtest": {"internal/apptest"},
	"internal/repotest": {},
}

func TestEveryImportFollowsTheLayers(t *testing.T) {
	for pkg, files := range goPackages(t) {
		allowed, ok := layers[pkg]
		if !ok {
			t.Errorf("package %s is not in the layer table: decide where it belongs", pkg)
			continue
		}
		for _, f := range files {
			if f.test {
				continue // A test may import any package.
			}
			for _, spec := range f.syntax.Imports {
				dep, ours := strings.CutPrefix(importPath(t, spec), module)
				if ours && !slices.Contains(allowed, dep) {
					t.Errorf("%s imports %s; it may import only %v", f.path, dep, allowed)
				}
			}
		}
	}
}

func TestEveryLayerIsAPackage(t *testing.T) {
	packages := goPackages(t)
	for pkg, allowed := range layers {
		if len(packages[pkg]) == 0 {
			t.Errorf("the layer table has a row for %s, where there is no Go file", pkg)
		}
		for _, dep := range allowed {
			if _, ok := layers[dep]; ok {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, dep)); err != nil || !strings.HasPrefix(dep, "gen/") {
				t.Errorf("%s may import %s, which does not exist", pkg, dep)
			}
		}
	}
}

func TestEveryPackageHasOneComment(t *testing.T) {
	for pkg, files := range goPackages(t) {
		comments, sources := 0, 0
		for _, f := range files {
			if f.test && !allTests(files) {
				continue
			}
			sources++
			if f.syntax.Doc != nil {
				comments++
			}
		}
		if sources > 0 && comments != 1 {
			t.Errorf("package %s has %d package comments, want exactly 1", pkg, comments)
		}
	}
}

// deterministic packages give the same answer on every replay and count money
// exactly: they may use no clock, no random numbers, no floating point.
var deterministic = []string{"trade", "trade/record", "engine"}

// outside names the imports by which an answer could depend on the machine.
var outside = []string{"crypto/rand", "math/rand", "math/rand/v2", "os", "net"}

// clocks names the functions of package time that read the current time. Timers are
// allowed: they decide when code runs, not its result.
var clocks = []string{"Now", "Since", "Until"}

func TestReplayDependsOnTheJournalAlone(t *testing.T) {
	packages := goPackages(t)
	for _, pkg := range deterministic {
		for _, f := range packages[pkg] {
			if f.test {
				continue
			}
			for _, spec := range f.syntax.Imports {
				if path := importPath(t, spec); slices.Contains(outside, path) {
					t.Errorf("%s imports %s; everything a command needs arrives in the command", f.path, path)
				}
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.Ident:
					if n.Name == "float64" || n.Name == "float32" {
						t.Errorf("%s: %s; money and quantity are integers", f.fset.Position(n.Pos()), n.Name)
					}
				case *ast.BasicLit:
					if n.Kind == token.FLOAT {
						t.Errorf("%s: %s; money and quantity are integers", f.fset.Position(n.Pos()), n.Value)
					}
				case *ast.SelectorExpr:
					x, ok := n.X.(*ast.Ident)
					if ok && x.Name == "time" && slices.Contains(clocks, n.Sel.Name) {
						t.Errorf("%s: time.%s; the time of a command comes with the command",
							f.fset.Position(n.Pos()), n.Sel.Name)
					}
				}
				return true
			})
		}
	}
}

func importPath(t *testing.T, spec *ast.ImportSpec) string {
	t.Helper()
	path, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func allTests(files []goFile) bool {
	return !slices.ContainsFunc(files, func(f goFile) bool { return !f.test })
}

// TestOneFileOpensTheDatabases keeps the choice of a database in one place: all
// other code of the server works with any.
func TestOneFileOpensTheDatabases(t *testing.T) {
	for pkg, files := range goPackages(t) {
		for _, f := range files {
			if pkg == "sqlite" || f.test || f.path == filepath.Join("server", "storage.go") {
				continue
			}
			for _, spec := range f.syntax.Imports {
				if importPath(t, spec) == module+"sqlite" {
					t.Errorf("%s imports sqlite; open it in server/storage.go", f.path)
				}
			}
		}
	}
}
