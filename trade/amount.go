package trade

import (
	"fmt"
	"math/big"
	"math/bits"
	"strings"
)

// amountDecimals is the number of decimal places of an Amount: those of a price
// plus those of a quantity, so that their product is exact.
const amountDecimals = 2 * Decimals

// Amount is money: a price times a quantity, or a sum of such products, in steps of
// 1e-16, as a 128-bit two's complement integer. The product of any price and any
// quantity fits; callers whose sums may exceed 1.7e22 units of money must check.
type Amount struct {
	// Hi holds the sign and the upper 64 bits.
	Hi int64
	// Lo holds the lower 64 bits.
	Lo uint64
}

// Notional returns price times quantity, exactly.
func Notional(p Price, q Quantity) Amount {
	a, b := uint64(p), uint64(q)
	negative := (p < 0) != (q < 0)
	if p < 0 {
		a = -a
	}
	if q < 0 {
		b = -b
	}
	hi, lo := bits.Mul64(a, b)
	amount := Amount{int64(hi), lo}
	if negative {
		return amount.Neg()
	}
	return amount
}

// Add returns a + b. It wraps beyond 128 bits.
func (a Amount) Add(b Amount) Amount {
	lo, carry := bits.Add64(a.Lo, b.Lo, 0)
	hi, _ := bits.Add64(uint64(a.Hi), uint64(b.Hi), carry)
	return Amount{int64(hi), lo}
}

// Sub returns a - b. It wraps beyond 128 bits.
func (a Amount) Sub(b Amount) Amount {
	lo, borrow := bits.Sub64(a.Lo, b.Lo, 0)
	hi, _ := bits.Sub64(uint64(a.Hi), uint64(b.Hi), borrow)
	return Amount{int64(hi), lo}
}

// Neg returns -a.
func (a Amount) Neg() Amount { return Amount{}.Sub(a) }

// Cmp returns -1, 0 or +1 as a is less than, equal to or greater than b.
func (a Amount) Cmp(b Amount) int {
	switch {
	case a.Hi < b.Hi, a.Hi == b.Hi && a.Lo < b.Lo:
		return -1
	case a == b:
		return 0
	}
	return 1
}

// Sign returns -1, 0 or +1.
func (a Amount) Sign() int { return a.Cmp(Amount{}) }

// Part returns a * part / whole, rounded toward zero. It splits the cost of a
// position when a part of it is closed; the part that stays open keeps what rounding
// leaves, so that nothing is created or lost. whole must not be zero.
func (a Amount) Part(part, whole Quantity) Amount {
	n := a.big()
	n.Mul(n, big.NewInt(int64(part)))
	n.Quo(n, big.NewInt(int64(whole)))
	return amountFromBig(n)
}

// ParseAmount reads money as clients write it: digits, at most one point and
// sixteen decimal places. The error is [ErrBadDecimal], wrapped with what is wrong.
func ParseAmount(s string) (Amount, error) {
	whole, fraction, negative, err := splitDecimal(s, amountDecimals, 2*maxDecimalLength)
	if err != nil {
		return Amount{}, err
	}
	n, ok := new(big.Int).SetString(whole+fraction+strings.Repeat("0", amountDecimals-len(fraction)), 10)
	if !ok || n.BitLen() > 127 {
		return Amount{}, fmt.Errorf("%w: %q is too large", ErrBadDecimal, s)
	}
	if negative {
		n.Neg(n)
	}
	return amountFromBig(n), nil
}

// String returns the shortest exact text.
func (a Amount) String() string {
	n := a.big()
	sign := ""
	if n.Sign() < 0 {
		sign = "-"
		n.Neg(n)
	}
	text := n.String()
	if pad := amountDecimals + 1 - len(text); pad > 0 {
		text = strings.Repeat("0", pad) + text
	}
	whole, fraction := text[:len(text)-amountDecimals], strings.TrimRight(text[len(text)-amountDecimals:], "0")
	if fraction == "" {
		return sign + whole
	}
	return sign + whole + "." + fraction
}

func (a Amount) big() *big.Int {
	n := big.NewInt(a.Hi)
	n.Lsh(n, 64)
	return n.Add(n, new(big.Int).SetUint64(a.Lo))
}

func amountFromBig(n *big.Int) Amount {
	lo := new(big.Int).And(n, new(big.Int).SetUint64(^uint64(0)))
	hi := new(big.Int).Rsh(n, 64)
	return Amount{hi.Int64(), lo.Uint64()}
}
