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

// exact is the amount as an integer without bounds.
func exact(a trade.Amount) *big.Int {
	n := new(big.Int).Lsh(big.NewInt(a.Hi), 64)
	return n.Add(n, new(big.Int).SetUint64(a.Lo))
}

// wrapped is n modulo 2^128, as a signed number.
func wrapped(n *big.Int) *big.Int {
	modulus := new(big.Int).Lsh(big.NewInt(1), 128)
	n = new(big.Int).Mod(n, modulus)
	if n.Bit(127) == 1 {
		n.Sub(n, modulus)
	}
	return n
}

// anyAmount returns amounts of all lengths and both signs, with the edges often.
func anyAmount(r *rand.Rand) trade.Amount {
	switch r.IntN(8) {
	case 0:
		return trade.Amount{Hi: int64(r.IntN(3) - 1), Lo: []uint64{0, 1, math.MaxUint64}[r.IntN(3)]}
	case 1:
		return trade.Amount{Hi: []int64{math.MinInt64, math.MaxInt64}[r.IntN(2)], Lo: r.Uint64()}
	case 2:
		return trade.Amount{Hi: -1, Lo: r.Uint64()}
	}
	return trade.Amount{Hi: int64(r.Uint64()) >> r.IntN(64), Lo: r.Uint64() >> r.IntN(64)}
}

func TestAmountsAreExact(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	equal := func(what string, got trade.Amount, want *big.Int) {
		t.Helper()
		if exact(got).Cmp(wrapped(want)) != 0 {
			t.Fatalf("%s: got %v, want %v", what, exact(got), wrapped(want))
		}
	}
	for range 50_000 {
		a, b := anyAmount(r), anyAmount(r)
		x, y := exact(a), exact(b)
		equal("add", a.Add(b), new(big.Int).Add(x, y))
		equal("sub", a.Sub(b), new(big.Int).Sub(x, y))
		equal("neg", a.Neg(), new(big.Int).Neg(x))
		if a.Cmp(b) != x.Cmp(y) || a.Cmp(a) != 0 || a.Sign() != x.Sign() {
			t.Fatalf("%v and %v compare %d, sign %d", x, y, a.Cmp(b), a.Sign())
		}
		p, q := anyInt64(r), anyInt64(r)
		equal("notional", trade.Notional(trade.Price(p), trade.Quantity(q)), new(big.Int).Mul(big.NewInt(p), big.NewInt(q)))
		if p != 0 {
			// A part is not more than the whole.
			part := q % p
			want := new(big.Int).Mul(x, big.NewInt(part))
			equal("part", a.Part(trade.Quantity(part), trade.Quantity(p)), want.Quo(want, big.NewInt(p)))
		}
	}
	const least = math.MinInt64
	equal("the largest product", trade.Notional(least, least), new(big.Int).Mul(big.NewInt(least), big.NewInt(least)))
}

func TestEveryAmountReadsBack(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 3))
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(16), nil)
	for range 20_000 {
		a := anyAmount(r)
		if a == (trade.Amount{Hi: math.MinInt64}) {
			continue // It is refused as too large.
		}
		text := a.String()
		if got, err := trade.ParseAmount(text); err != nil || got != a {
			t.Fatalf("%v is written %q and read %v (%v)", exact(a), text, exact(got), err)
		}
		if n, ok := new(big.Rat).SetString(text); !ok || n.Cmp(new(big.Rat).SetFrac(exact(a), scale)) != 0 {
			t.Fatalf("%v is written %q", exact(a), text)
		}
	}
}

func TestAmountsAreWrittenForPeople(t *testing.T) {
	for text, a := range map[string]trade.Amount{
		"0":                   {},
		"0.0000000000000001":  {Lo: 1},
		"-0.0000000000000001": {Hi: -1, Lo: math.MaxUint64},
		"151.25":              trade.Notional(15_125_000_000, 100_000_000),
		"-302.5":              trade.Notional(15_125_000_000, -200_000_000),
		"17014118346046923173168.7303715884105727": {Hi: math.MaxInt64, Lo: math.MaxUint64},
	} {
		if got := a.String(); got != text {
			t.Errorf("%v is written %q, want %q", exact(a), got, text)
		}
	}
}

var badAmounts = []string{
	"", "-", ".", "1.", ".5", "+1", "1e3", "1.2.3", "0.00000000000000001", "１", "a", "1 ",
	"17014118346046923173168.7303715884105728", "-17014118346046923173168.7303715884105728",
	strings.Repeat("9", 80), strings.Repeat("0", 81), strings.Repeat("9", 10_000),
}

func TestAmountsThatDoNotFitAreRefused(t *testing.T) {
	for _, text := range badAmounts {
		if got, err := trade.ParseAmount(text); !errors.Is(err, trade.ErrBadDecimal) || got != (trade.Amount{}) {
			t.Errorf("%.50q: %v, %v; want ErrBadDecimal", text, got, err)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, text := range badAmounts {
		f.Add(text)
	}
	f.Add("-17014118346046923173168.73037158841057")
	scale := new(big.Int).Exp(big.NewInt(10), big.NewInt(16), nil)
	f.Fuzz(func(t *testing.T, text string) {
		a, err := trade.ParseAmount(text)
		if err != nil {
			if !errors.Is(err, trade.ErrBadDecimal) || a != (trade.Amount{}) {
				t.Fatalf("%v, %v", a, err)
			}
			return
		}
		n, ok := new(big.Rat).SetString(text)
		if !ok || n.Cmp(new(big.Rat).SetFrac(exact(a), scale)) != 0 {
			t.Fatalf("%q was read as %v", text, a)
		}
		if again, err := trade.ParseAmount(a.String()); err != nil || again != a {
			t.Fatalf("%q was read as %v and reads back as %v (%v)", text, a, again, err)
		}
	})
}
