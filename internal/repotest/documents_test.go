package repotest

import (
	"go/ast"
	"maps"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestArchitecturePageShowsTheLayers reads the package table of
// docs/architecture.md: rows of a package in backquotes, what it is, and the
// packages of ours that it may import ("–" for none).
func TestArchitecturePageShowsTheLayers(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([a-z0-9/]+)` \\|[^|]*\\|([^|]*)\\|$")
	shown := map[string][]string{}
	for _, m := range row.FindAllSubmatch(read(t, "docs/architecture.md"), -1) {
		list := strings.TrimSpace(strings.ReplaceAll(string(m[2]), "`", ""))
		imports := []string{}
		if list != "–" {
			for name := range strings.SplitSeq(list, ",") {
				imports = append(imports, strings.TrimSpace(name))
			}
		}
		shown[string(m[1])] = imports
	}
	for pkg, allowed := range layers {
		imports, ok := shown[pkg]
		if !ok {
			t.Errorf("docs/architecture.md does not show package %s", pkg)
			continue
		}
		want, have := slices.Sorted(slices.Values(allowed)), slices.Sorted(slices.Values(imports))
		if !slices.Equal(want, have) {
			t.Errorf("docs/architecture.md says that %s may import %v, the layer table %v", pkg, have, want)
		}
	}
	for pkg := range shown {
		if _, ok := layers[pkg]; !ok {
			t.Errorf("docs/architecture.md shows package %s, which is not in the layer table", pkg)
		}
	}
}

// pages returns the Markdown files by name, without fenced blocks: a diagram or a command
// has no links.
func pages(t *testing.T) map[string]string {
	t.Helper()
	fence := regexp.MustCompile("(?ms)^ *```.*?^ *```$")
	found := map[string]string{}
	for _, name := range files(t) {
		if filepath.Ext(name) == ".md" {
			found[name] = fence.ReplaceAllString(string(read(t, name)), "")
		}
	}
	return found
}

var notInAnchor = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)

// anchors returns the fragments that the headings of a page can be linked by,
// built the way forges build them.
func anchors(page string) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(page) {
		if !strings.HasPrefix(line, "#") {
			continue
		}
		title := strings.ToLower(strings.TrimSpace(strings.TrimLeft(line, "#")))
		found[strings.ReplaceAll(notInAnchor.ReplaceAllString(title, ""), " ", "-")] = true
	}
	return found
}

func TestEveryLinkBetweenDocumentsResolves(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s]+)\)`)
	pages := pages(t)
	tree := map[string]bool{".": true}
	for _, name := range files(t) {
		for ; name != "."; name = path.Dir(name) {
			tree[name] = true
		}
	}
	for name, page := range pages {
		for _, m := range link.FindAllStringSubmatch(page, -1) {
			if strings.Contains(m[1], "://") || strings.HasPrefix(m[1], "mailto:") {
				continue
			}
			file, fragment, _ := strings.Cut(m[1], "#")
			target := name
			if file != "" {
				target = path.Join(path.Dir(name), file)
			}
			if !tree[target] {
				t.Errorf("%s links to %s, which does not exist", name, m[1])
			} else if fragment != "" && !anchors(pages[target])[fragment] {
				t.Errorf("%s links to %s, where no heading has that name", name, m[1])
			}
		}
	}
}

// TestDocumentsNameRealTests checks the "Confirmation" of every decision record: a test that
// a document names must exist.
func TestDocumentsNameRealTests(t *testing.T) {
	declared := map[string]bool{}
	for _, files := range goPackages(t) {
		for _, f := range files {
			for _, d := range f.syntax.Decls {
				if fn, ok := d.(*ast.FuncDecl); ok {
					declared[fn.Name.Name] = true
				}
			}
		}
	}
	named := regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`")
	for name, page := range pages(t) {
		for _, m := range named.FindAllStringSubmatch(page, -1) {
			if !declared[m[1]] {
				t.Errorf("%s names %s, which no test is called", name, m[1])
			}
		}
	}
}

// TestTradingRulesNameRealScenarios checks the scenarios in docs/trading-rules.md, and that
// there are rules.
func TestTradingRulesNameRealScenarios(t *testing.T) {
	named := regexp.MustCompile("`(\\w+\\.txt)`").FindAllStringSubmatch(pages(t)["docs/trading-rules.md"], -1)
	if len(named) < 20 {
		t.Errorf("docs/trading-rules.md names %d scenarios", len(named))
	}
	for _, m := range named {
		if _, err := os.Stat("../../engine/testdata/scenarios/" + m[1]); err != nil {
			t.Errorf("docs/trading-rules.md names %s, which is no scenario", m[1])
		}
	}
}

// TestEveryDisconnectHasATest checks that the last column of docs/disconnects.md
// names a test or a finding of the doctor. TestDocumentsNameRealTests checks that the
// tests exist.
func TestEveryDisconnectHasATest(t *testing.T) {
	const column = "reproduced by |"
	source := string(read(t, "doctor/verdict.go"))
	named := regexp.MustCompile("`([A-Z]\\w+)`")
	rows, within := 0, false
	for line := range strings.Lines(string(read(t, "docs/disconnects.md"))) {
		line = strings.TrimSpace(line)
		switch {
		case strings.HasSuffix(line, column):
			within = true
			continue
		case !strings.HasPrefix(line, "|"):
			within = false
		}
		if !within || strings.HasPrefix(line, "| ---") {
			continue
		}
		rows++
		cells := strings.Split(strings.Trim(line, "| "), "|")
		names := named.FindAllStringSubmatch(cells[len(cells)-1], -1)
		if len(names) == 0 {
			t.Errorf("nothing reproduces %s", cells[0])
		}
		for _, m := range names {
			if !strings.HasPrefix(m[1], "Test") && !strings.Contains(source, `"`+m[1]+`"`) {
				t.Errorf("%s is reproduced by %s, which is neither a test nor a finding of the doctor", cells[0], m[1])
			}
		}
	}
	if rows == 0 {
		t.Error("there are no rows")
	}
}

func TestDocumentsNameRealMakeTargets(t *testing.T) {
	targets := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^([a-z-]+):`).FindAllSubmatch(read(t, "Makefile"), -1) {
		targets[string(m[1])] = true
	}
	named := regexp.MustCompile("`make ([a-z -]+)`")
	for name, page := range pages(t) {
		for _, m := range named.FindAllStringSubmatch(page, -1) {
			for target := range strings.FieldsSeq(m[1]) {
				if !targets[target] {
					t.Errorf("%s says make %s; the Makefile has %v", name, target, slices.Sorted(maps.Keys(targets)))
				}
			}
		}
	}
}

func TestEveryDecisionRecordSaysHowItIsConfirmed(t *testing.T) {
	for name, page := range pages(t) {
		if path.Dir(name) != "docs/adr" || path.Base(name) == "README.md" {
			continue
		}
		for _, section := range []string{"context", "decision", "consequences", "confirmation"} {
			if !anchors(page)[section] {
				t.Errorf("%s has no section %q", name, section)
			}
		}
	}
}

// TestArchitecturePageListsWhatAnEventTypeTouches looks for switches over events that
// the linter keeps complete.
func TestArchitecturePageListsWhatAnEventTypeTouches(t *testing.T) {
	_, section, _ := strings.Cut(string(read(t, "docs/architecture.md")), "## To add an event type")
	section, _, _ = strings.Cut(section, "\n## ")
	found := 0
	for _, files := range goPackages(t) {
		for _, f := range files {
			if f.test || strings.Contains(path.Dir(f.path), "test") {
				continue
			}
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				clause, ok := n.(*ast.CaseClause)
				if !ok {
					return true
				}
				for _, e := range clause.List {
					star, ok := e.(*ast.StarExpr)
					if !ok {
						continue
					}
					// Every switch that is complete names the day's end.
					if kind, ok := star.X.(*ast.SelectorExpr); ok && kind.Sel.Name == "DayEnded" && !strings.HasPrefix(f.path, "history/audit") {
						found++
						if !strings.Contains(section, "`"+f.path+"`") {
							t.Errorf("docs/architecture.md does not list %s among the files of an event type", f.path)
						}
					}
				}
				return true
			})
		}
	}
	if found == 0 {
		t.Error("no switch over events was found")
	}
}
