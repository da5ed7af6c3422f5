package server_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"todoku/journal"
	"todoku/journal/journaltest"
	"todoku/server"
)

func TestADirectoryAndItsURLAreOneStorage(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "a venue")
	url := "sqlite://" + strings.ReplaceAll(filepath.ToSlash(dir), " ", "%20")
	state := func(want server.StorageState) {
		t.Helper()
		for _, name := range []string{dir, url} {
			if got, err := server.InspectStorage(name); err != nil || got != want {
				t.Errorf("%s: state %v, %v, want %v", name, got, err, want)
			}
		}
	}
	state(server.StorageMissing)
	storage, err := server.OpenStorage(t.Context(), dir, server.StorageOptions{})
	if err != nil {
		t.Fatal(err)
	}
	journaltest.Fill(t, storage.Journal, 3)
	state(server.StorageInUse)
	if _, err := server.OpenStorage(t.Context(), url, server.StorageOptions{}); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("opened twice: %v", err)
	}
	reader, err := server.OpenJournal(t.Context(), url) // While the writer is open.
	if err != nil {
		t.Fatal(err)
	}
	if err := reader.Append(t.Context(), 3, journaltest.Records(3, 1)); !errors.Is(err, journal.ErrReadOnly) {
		t.Errorf("append to a journal opened for reading: %v", err)
	}
	if got := journaltest.ReadAll(t, reader, 0, 10); len(got) != 3 {
		t.Errorf("%d records, want 3", len(got))
	}
	if err := errors.Join(reader.Close(), storage.Close()); err != nil {
		t.Error(err)
	}
	state(server.StorageIdle)
	if sizes, err := server.StorageBytes(url); err != nil || sizes["journal.db"] == 0 || sizes["history.db"] == 0 {
		t.Errorf("sizes %v, %v", sizes, err)
	}
}

func TestOnlyADirectoryWithAVenueHoldsOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if got, err := server.InspectStorage(dir); err != nil || got != server.StorageEmpty {
		t.Errorf("an empty directory: %v, %v", got, err)
	}
	if _, err := server.OpenJournal(t.Context(), dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the journal of an empty directory: %v", err)
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := server.InspectStorage(file); err == nil || !strings.Contains(err.Error(), "a directory is needed") {
		t.Errorf("a file: %v", err)
	}
}

func TestAnInvalidStorageIsRefusedWithAValidExample(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"":                              "no storage is named",
		"postgres://user:secret@db/x":   "postgres:// is not supported yet by this version",
		"postgresql://user:secret@db/x": "postgresql:// is not supported yet by this version",
		"postgres:x":                    "postgres:// is not supported yet by this version",
		"redis://user:secret@cache":     "redis:// is unknown",
		"mysql://x:secret@h/%zz":        "no valid URL",
		"sqlite:":                       "absolute directory",
		"sqlite:data":                   "absolute directory",
		"sqlite://data":                 "absolute directory",
		"sqlite:///":                    "absolute directory",
		"sqlite://me:secret@/data":      "absolute directory",
		"sqlite:///data?mode=ro":        "absolute directory",
		"sqlite:///data#x":              "absolute directory",
	} {
		_, err := server.OpenStorage(t.Context(), url, server.StorageOptions{})
		if !errors.Is(err, server.ErrConfig) || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v; want %q", url, err, want)
		}
		if !strings.Contains(err.Error(), "sqlite:///") {
			t.Errorf("%q: %v; want an example", url, err)
		}
		if url == "" {
			continue // A server has a default.
		}
		if err := (server.Config{Data: url}).Check(); !errors.Is(err, server.ErrConfig) {
			t.Errorf("settings with %q: %v", url, err)
		}
	}
	for url, want := range map[string]string{
		"data": "data", "./data": "./data", "/var/lib/todoku": "/var/lib/todoku", "my:data": "my:data", `C:\data`: `C:\data`,
		"sqlite:///var/lib/to%20doku": "/var/lib/to doku",
	} {
		if got, err := server.StorageDirectory(url); err != nil || got != filepath.FromSlash(want) {
			t.Errorf("%q: %q, %v; want %q", url, got, err, want)
		}
	}
}
