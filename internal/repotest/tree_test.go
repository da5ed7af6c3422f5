// Package repotest tests the repository itself: that the packages keep to their
// layers, that documents and code agree, and that the tree has no paths or addresses
// of the machine it was written on.
//
// The tests read files in their own process and start no other program, so that
// the test cache notices every change.
package repotest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

// unwritten are the entries that are not written by hand: those in .gitignore, and
// generated code.
var unwritten = []string{".git", ".tools", "bin", "data", "dist", "node_modules", "gen"}

// files returns every file that people write, with slashes and relative to the
// root of the repository.
func files(t *testing.T) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if slices.Contains(unwritten, entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil // In a git worktree .git is a file.
		}
		if entry.Type().IsRegular() {
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			found = append(found, filepath.ToSlash(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// goFile is one parsed Go file of the module.
type goFile struct {
	path   string
	test   bool
	fset   *token.FileSet
	syntax *ast.File
}

// goPackages parses every Go file that people write, by the folder it lies in.
func goPackages(t *testing.T) map[string][]goFile {
	t.Helper()
	packages := map[string][]goFile{}
	for _, name := range files(t) {
		if filepath.Ext(name) != ".go" || strings.Contains(name, "testdata/") {
			continue
		}
		fset := token.NewFileSet()
		syntax, err := parser.ParseFile(fset, name, read(t, name), parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		pkg := filepath.ToSlash(filepath.Dir(name))
		packages[pkg] = append(packages[pkg], goFile{
			path: name, test: strings.HasSuffix(name, "_test.go"), fset: fset, syntax: syntax,
		})
	}
	return packages
}

// longest is the most lines that a file may have.
const longest = 500

func TestNoFileHoldsTwoIdeas(t *testing.T) {
	source := []string{".go", ".proto", ".sql", ".ts", ".tsx", ".css", ".md", ".yaml"}
	for _, name := range files(t) {
		if !slices.Contains(source, filepath.Ext(name)) || strings.Contains(name, "testdata/") {
			continue
		}
		if lines := bytes.Count(read(t, name), []byte("\n")); lines > longest {
			t.Errorf("%s has %d lines, at most %d: split it by idea", name, lines, longest)
		}
	}
}

// ofOneMachine matches paths of somebody's machine and addresses of package
// registries, which differ between machines and belong into their settings.
var ofOneMachine = regexp.MustCompile(
	`[/](work|root|farm|Users|home)[/]\w` +
		`|proxy\.golang\.org|registry\.npmjs|registry\.yarnpkg|(deb|security)\.debian\.org|archive\.ubuntu` +
		`|GOPROXY=\w|registry *= *"?https?:|"resolved": *"https?:`)

func TestTreeHoldsNothingOfOneMachine(t *testing.T) {
	for _, name := range files(t) {
		if filepath.Ext(name) == ".sum" {
			continue // Only names of modules and checksums.
		}
		for i, line := range strings.Split(string(read(t, name)), "\n") {
			if found := ofOneMachine.FindString(line); found != "" {
				t.Errorf("%s:%d: %q names a machine or a registry", name, i+1, found)
			}
		}
	}
}

// TestGeneratorMatchesRuntime checks that protoc-gen-go has the version of the
// protobuf runtime that the generated code is compiled against.
func TestGeneratorMatchesRuntime(t *testing.T) {
	version := regexp.MustCompile(`google\.golang\.org/protobuf (v\S+)`)
	runtime := version.FindSubmatch(read(t, "go.mod"))
	generator := version.FindSubmatch(read(t, "tools/protoc-gen/go.mod"))
	if runtime == nil || generator == nil {
		t.Fatal("go.mod or tools/protoc-gen/go.mod names no google.golang.org/protobuf")
	}
	if !bytes.Equal(runtime[1], generator[1]) {
		t.Errorf("protoc-gen-go is %s, the protobuf runtime %s: pin one version", generator[1], runtime[1])
	}
}
