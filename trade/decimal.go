package trade

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Decimals is the number of decimal places that prices and quantities keep.
// Eight are enough for every currency pair, future and share that is quoted, and
// leave 92 billion units before the point.
const Decimals = 8

// unit is one whole unit in the integer representation.
const unit = 100_000_000

// maxDecimalLength bounds the text of a number before it is parsed: a sign, eleven
// digits, a point and eight digits, and the same number again for zeros.
const maxDecimalLength = 40

// ErrBadDecimal says that a text is not a decimal number that the venue can hold
// exactly. Numbers are written with digits and at most one point ("151.25"): no
// exponent, no sign other than a leading minus, no spaces, no digit groups.
var ErrBadDecimal = errors.New("not a decimal number")

// Price is an amount of money per unit of quantity, in steps of 1e-8. Orders and
// trades have positive prices; zero means "no price". FIX tag 44.
type Price int64

// Quantity is how much of an instrument, in steps of 1e-8. Order quantities are
// positive; a position's may be negative. FIX tag 38.
type Quantity int64

// ParsePrice reads a price as clients write it. The error is [ErrBadDecimal],
// wrapped with what is wrong.
func ParsePrice(s string) (Price, error) {
	n, err := parseDecimal(s)
	return Price(n), err
}

// ParseQuantity reads a quantity as clients write it. The error is
// [ErrBadDecimal], wrapped with what is wrong.
func ParseQuantity(s string) (Quantity, error) {
	n, err := parseDecimal(s)
	return Quantity(n), err
}

// String returns the shortest exact text: "151.25", "-0.5", "10".
func (p Price) String() string { return formatDecimal(int64(p)) }

// String returns the shortest exact text: "151.25", "-0.5", "10".
func (q Quantity) String() string { return formatDecimal(int64(q)) }

// splitDecimal splits an optional minus, digits, and optionally a point and more
// digits. Zeros at the end of the fraction are dropped; more than places remaining
// digits are refused, and so is a text longer than most.
func splitDecimal(s string, places, most int) (whole, fraction string, negative bool, err error) {
	if s == "" {
		return "", "", false, fmt.Errorf("%w: empty", ErrBadDecimal)
	}
	if len(s) > most {
		return "", "", false, fmt.Errorf("%w: longer than %d characters", ErrBadDecimal, most)
	}
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(digits, ".")
	if whole == "" || point && fraction == "" || !allDigits(whole) || !allDigits(fraction) {
		return "", "", false, fmt.Errorf("%w: %q (write digits and at most one point)", ErrBadDecimal, s)
	}
	if fraction = strings.TrimRight(fraction, "0"); len(fraction) > places {
		return "", "", false, fmt.Errorf("%w: %q has more than %d decimal places", ErrBadDecimal, s, places)
	}
	return whole, fraction, negative, nil
}

func parseDecimal(s string) (int64, error) {
	whole, fraction, negative, err := splitDecimal(s, Decimals, maxDecimalLength)
	if err != nil {
		return 0, err
	}
	// The magnitude is unsigned, so that the most negative number is refused as too large
	// and does not wrap.
	n, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || n > math.MaxInt64/unit {
		return 0, fmt.Errorf("%w: %q is too large", ErrBadDecimal, s)
	}
	n *= unit
	scale := uint64(unit)
	for _, d := range []byte(fraction) {
		scale /= 10
		n += uint64(d-'0') * scale
	}
	if n > math.MaxInt64 {
		return 0, fmt.Errorf("%w: %q is too large", ErrBadDecimal, s)
	}
	if negative {
		return -int64(n), nil
	}
	return int64(n), nil
}

func allDigits(s string) bool {
	for _, c := range []byte(s) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return true
}

// formatDecimal writes n without trailing zeros.
func formatDecimal(n int64) string {
	b := make([]byte, 0, 24)
	magnitude := uint64(n)
	if n < 0 {
		b = append(b, '-')
		magnitude = -magnitude
	}
	b = strconv.AppendUint(b, magnitude/unit, 10)
	if fraction := magnitude % unit; fraction != 0 {
		b = append(b, '.')
		for scale := uint64(unit / 10); fraction != 0; scale /= 10 {
			b = append(b, '0'+byte(fraction/scale))
			fraction %= scale
		}
	}
	return string(b)
}
