package trade_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"todoku/trade"
)

// declaredReasons reads the constants from the source, so that none can be declared
// without a name and a sentence.
func declaredReasons(t *testing.T) map[string]trade.Reason {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "reason.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]trade.Reason{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Type == nil {
			return true
		}
		if kind, ok := spec.Type.(*ast.Ident); !ok || kind.Name != "Reason" {
			return true
		}
		number, err := strconv.ParseUint(spec.Values[0].(*ast.BasicLit).Value, 10, 16)
		if err != nil {
			t.Fatal(err)
		}
		found[spec.Names[0].Name] = trade.Reason(number)
		return true
	})
	if len(found) < 30 {
		t.Fatalf("only %d reasons were found in reason.go", len(found))
	}
	return found
}

func TestEveryReasonHasANumberAWordAndASentence(t *testing.T) {
	camel := regexp.MustCompile(`([a-z])([A-Z])`)
	numbers := map[trade.Reason]string{}
	for name, reason := range declaredReasons(t) {
		if other, taken := numbers[reason]; taken {
			t.Errorf("%s and %s are both %d", name, other, reason)
		}
		numbers[reason] = name
		word := strings.ToUpper(camel.ReplaceAllString(strings.TrimPrefix(name, "Reason"), "${1}_$2"))
		if reason.String() != word {
			t.Errorf("%s is called %s, want %s", name, reason, word)
		}
		if reason == trade.ReasonNone {
			continue
		}
		if hundred := reason / 100; hundred < 1 || hundred > 7 {
			t.Errorf("%s has the number %d, which is in no group", name, reason)
		}
		if sentence := reason.Sentence(); !regexp.MustCompile(`^[A-Z][^\n]{10,}\.$`).MatchString(sentence) {
			t.Errorf("%s says %q, which is not a sentence", name, sentence)
		}
	}
	if all := trade.Reasons(); len(all) != len(numbers) || !slices.IsSorted(all) {
		t.Errorf("Reasons returns %d of %d, sorted: %v", len(all), len(numbers), slices.IsSorted(all))
	}
	if unknown := trade.Reason(999); unknown.String() != "UNKNOWN" || unknown.Sentence() == "" {
		t.Errorf("an unknown reason is %s: %q", unknown, unknown.Sentence())
	}
}

func TestRefusalsAreMatchedByReason(t *testing.T) {
	err := fmt.Errorf("placing: %w", trade.Refuse(trade.ReasonOffTick, "price", "the tick size is 0.5"))
	if !errors.Is(err, &trade.Refusal{Reason: trade.ReasonOffTick}) {
		t.Error("the reason is not found")
	}
	if errors.Is(err, &trade.Refusal{Reason: trade.ReasonOffLot}) {
		t.Error("another reason is found")
	}
	if want := "placing: price: OFF_TICK (the tick size is 0.5)"; err.Error() != want {
		t.Errorf("reads %q, want %q", err, want)
	}
}
