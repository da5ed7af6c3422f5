package cli

import (
	"testing"
)

func FuzzParseSettings(f *testing.F) {
	f.Add([]byte("drain: 3s\ndata: x\n"))
	f.Add([]byte("a: &a [*a]\n"))
	f.Add([]byte("? [drain]\n: 1\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		entries, err := parseSettings(data, []string{"drain", "data"})
		if err != nil {
			return
		}
		for name, entry := range entries {
			if name != "drain" && name != "data" || entry.line < 1 {
				t.Fatalf("took %q on line %d", name, entry.line)
			}
		}
	})
}
