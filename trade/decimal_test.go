package trade_test

import (
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"strings"
	"testing"

	"todoku/trade"
)

// anyInt64 returns integers of all lengths and both signs.
func anyInt64(r *rand.Rand) int64 {
	n := int64(r.Uint64() >> r.IntN(64))
	if n == math.MinInt64 {
		return 0 // The one number that has no text: see TestDecimalsThatDoNotFitAreRefused.
	}
	return n * int64(1-2*r.IntN(2))
}

func TestEveryDecimalReadsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	check := func(n int64) {
		t.Helper()
		text := trade.Price(n).String()
		got, err := trade.ParsePrice(text)
		if err != nil || int64(got) != n {
			t.Fatalf("%d is written %q and read %d (%v)", n, text, got, err)
		}
		if exact, ok := new(big.Rat).SetString(text); !ok || exact.Cmp(big.NewRat(n, 100_000_000)) != 0 {
			t.Fatalf("%d is written %q", n, text)
		}
		if strings.Contains(text, ".") && strings.HasSuffix(text, "0") || strings.HasSuffix(text, ".") {
			t.Fatalf("%d is written %q, which is not the shortest text", n, text)
		}
		if quantity, err := trade.ParseQuantity(text); err != nil || quantity.String() != text {
			t.Fatalf("%q is the quantity %v (%v)", text, quantity, err)
		}
	}
	for _, n := range []int64{0, 1, -1, 10, 99_999_999, 100_000_000, 100_000_001, math.MaxInt64, -math.MaxInt64} {
		check(n)
	}
	for range 100_000 {
		check(anyInt64(r))
	}
}

func TestDecimalsAreReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]int64{
		"0": 0, "-0": 0, "0.0": 0, "7": 700_000_000, "007": 700_000_000, "151.25": 15_125_000_000,
		"-0.5": -50_000_000, "0.00000001": 1, "1.50000000000000": 150_000_000,
		"92233720368.54775807": math.MaxInt64, "-92233720368.54775807": -math.MaxInt64,
	} {
		if got, err := trade.ParsePrice(text); err != nil || int64(got) != want {
			t.Errorf("%q is %d (%v), want %d", text, got, err, want)
		}
	}
}

func TestDecimalsThatDoNotFitAreRefused(t *testing.T) {
	for _, text := range []string{
		"", "-", ".", "-.", "1.", ".5", "-.5", "1.2.3", "+1", " 1", "1 ", "1e3", "0x10", "1_000", "1,000", "--1",
		"1-", "NaN", "Inf", "１", "1.\xff", "\x00", "0.000000001", "1.000000005", "92233720369",
		"92233720368.54775808", "-92233720368.54775808", "18446744073709551616", "99999999999999999999999",
		strings.Repeat("0", 41), strings.Repeat("9", 10_000),
	} {
		if got, err := trade.ParsePrice(text); !errors.Is(err, trade.ErrBadDecimal) || got != 0 {
			t.Errorf("price %.50q: %v, %v; want ErrBadDecimal", text, got, err)
		}
		if got, err := trade.ParseQuantity(text); !errors.Is(err, trade.ErrBadDecimal) || got != 0 {
			t.Errorf("quantity %.50q: %v, %v; want ErrBadDecimal", text, got, err)
		}
	}
}

func FuzzParsePrice(f *testing.F) {
	for _, text := range []string{"0", "-1.5", "92233720368.54775807", "0.000000010", "1e9", "--", ".", "1."} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		price, err := trade.ParsePrice(text)
		if err != nil {
			if !errors.Is(err, trade.ErrBadDecimal) || price != 0 {
				t.Fatalf("%v, %v", price, err)
			}
			return
		}
		exact, ok := new(big.Rat).SetString(text)
		if !ok || exact.Cmp(big.NewRat(int64(price), 100_000_000)) != 0 {
			t.Fatalf("%q was read as %v", text, price)
		}
		if again, err := trade.ParsePrice(price.String()); err != nil || again != price {
			t.Fatalf("%q was read as %v and reads back as %v (%v)", text, price, again, err)
		}
	})
}
