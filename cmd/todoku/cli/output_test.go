package cli

import (
	"strings"
	"testing"
)

func TestNumbersAlignAtTheRight(t *testing.T) {
	var out strings.Builder
	err := WriteTable(&out, [][]string{{"alice", "1"}, {"Bob\x1b[31m", "1000000000"}}, "WHO", ">HOW MUCH")
	want := "WHO         HOW MUCH\nalice              1\nBob [31m  1000000000\n"
	if err != nil || out.String() != want {
		t.Errorf("%v:\n%q, want\n%q", err, out.String(), want)
	}
}
