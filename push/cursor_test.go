package push_test

import (
	"errors"
	"math"
	"testing"

	"todoku/push"
)

func TestACursorHasOneForm(t *testing.T) {
	for _, c := range []push.Cursor{{Epoch: "a"}, {Epoch: "k3_-Z9", Sequence: 7}, {Epoch: "e", Sequence: math.MaxUint64}} {
		if got, err := push.ParseCursor(c.String()); err != nil || got != c {
			t.Errorf("%v: got %v, %v", c, got, err)
		}
	}
	for _, text := range []string{
		"", ":", "a:", ":1", "a", "a:01", "a:+1", "a:-1", "a: 1", "a:1 ", "a:1:2", "a b:1", "é:1", "a:18446744073709551616", "a:0x1", "a:1_0", "a:00",
	} {
		if c, err := push.ParseCursor(text); !errors.Is(err, push.ErrBadCursor) {
			t.Errorf("%q was taken as %v, %v", text, c, err)
		}
	}
}

func FuzzParseCursor(f *testing.F) {
	for _, seed := range []string{"", "a:0", "epoch:42", "a:01", "a:18446744073709551615", "x:y:z"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := push.ParseCursor(text)
		switch {
		case err != nil && !errors.Is(err, push.ErrBadCursor):
			t.Fatalf("unnamed error %v", err)
		case err == nil && c.String() != text:
			t.Fatalf("%q parsed as %v, which is written %q", text, c, c.String())
		case err == nil && string(c.Append([]byte("x"))) != "x"+text:
			t.Fatal("Append and String differ")
		}
	})
}
