package repotest

import (
	"go/ast"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestNoIdentifierUsesAReplacedWord reads the table of replaced words in
// docs/glossary.md. Go identifiers are compared whole and without regard to case;
// TypeScript sources are searched for the bare word.
func TestNoIdentifierUsesAReplacedWord(t *testing.T) {
	_, table, found := strings.Cut(string(read(t, "docs/glossary.md")), "## Replaced words\n")
	if !found {
		t.Fatal("docs/glossary.md has no section \"Replaced words\"")
	}
	var replaced []string
	for _, row := range regexp.MustCompile("(?m)^\\| `(\\w+)` \\|").FindAllStringSubmatch(table, -1) {
		replaced = append(replaced, row[1])
	}
	if len(replaced) == 0 {
		t.Fatal("the table of replaced words is empty")
	}
	isReplaced := func(name string) bool {
		return slices.ContainsFunc(replaced, func(word string) bool {
			return strings.EqualFold(name, word) || strings.EqualFold(name, word+"s")
		})
	}
	for _, files := range goPackages(t) {
		for _, f := range files {
			ast.Inspect(f.syntax, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && isReplaced(id.Name) {
					t.Errorf("%s: %s: docs/glossary.md names the word to use instead", f.fset.Position(id.Pos()), id.Name)
				}
				return true
			})
		}
	}
	word := regexp.MustCompile(`\b\w+\b`)
	for _, name := range files(t) {
		if !slices.Contains([]string{".ts", ".tsx"}, filepath.Ext(name)) {
			continue
		}
		for i, line := range strings.Split(string(read(t, name)), "\n") {
			for _, found := range word.FindAllString(line, -1) {
				if isReplaced(found) {
					t.Errorf("%s:%d: %s: docs/glossary.md names the word to use instead", name, i+1, found)
				}
			}
		}
	}
}
