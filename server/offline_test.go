package server_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"todoku/account"
	"todoku/server"
)

func TestOfflineAdministrationNeedsNoHistory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	history := filepath.Join(dir, "history.db")
	damaged := []byte("this is no database, and long enough to be read as the header of one: " + string(make([]byte, 4096)))
	if err := os.WriteFile(history, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	if storage, err := server.OpenStorage(t.Context(), dir, server.StorageOptions{}); err == nil {
		t.Error("a server would start on a damaged history", storage.Close())
	}
	venue, err := server.OpenOffline(t.Context(), dir, account.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := venue.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadFile(history); err != nil || string(left) != string(damaged) {
		t.Errorf("the history was changed: %d bytes, %v", len(left), err)
	}
	if err := os.Remove(history); err != nil {
		t.Fatal(err)
	}
	if venue, err = server.OpenOffline(t.Context(), dir, account.Config{}); err != nil {
		t.Fatal(err)
	}
	if err := venue.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(history); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the history was made: %v", err)
	}
}
