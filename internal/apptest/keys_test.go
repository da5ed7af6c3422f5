package apptest_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"todoku/sqlite"
)

// TestSigningKeysOfAnEarlierVersionMoveToTheirOwnFile opens the accounts of a version that
// kept them in accounts.db, and looks for their bytes.
func TestSigningKeysOfAnEarlierVersionMoveToTheirOwnFile(t *testing.T) {
	t.Parallel()
	dir := unpackRecorded(t)
	database := filepath.Join(dir, "accounts.db")
	files := func() (all []byte) {
		for _, suffix := range []string{"", "-wal"} {
			content, err := os.ReadFile(database + suffix)
			if err != nil && !os.IsNotExist(err) {
				t.Fatal(err)
			}
			all = append(all, content...)
		}
		return all
	}
	before := files()
	for range 2 { // The second time nothing is left to move.
		accounts, err := sqlite.OpenAccounts(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := accounts.Keys(t.Context())
		if err != nil || len(keys) != 1 || !bytes.Contains(before, keys[0].Secret) {
			t.Fatalf("%v, %v, want the key of the earlier version", keys, err)
		}
		// While the file is open, when a crash would leave it like this.
		if bytes.Contains(files(), keys[0].Secret) {
			t.Error("the key is still in accounts.db or its log")
		}
		if err := accounts.Close(); err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "keys"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file of the keys: %v, %v, want mode 0600", info, err)
	}
	var stored []struct{ ID uint32 }
	text, err := os.ReadFile(filepath.Join(dir, "keys"))
	if err == nil {
		err = json.Unmarshal(text, &stored)
	}
	if err != nil || len(stored) != 1 {
		t.Errorf("%s: %v", text, err)
	}
}
