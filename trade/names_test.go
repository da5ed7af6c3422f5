package trade_test

import (
	"errors"
	"strings"
	"testing"

	"todoku/trade"
)

func TestNamesKeepToTheirAlphabet(t *testing.T) {
	kinds := map[string]func(string) error{
		"symbol":  func(s string) error { return trade.Symbol(s).Validate() },
		"user":    func(s string) error { return trade.UserID(s).Validate() },
		"account": func(s string) error { return trade.AccountID(s).Validate() },
		"request": func(s string) error { return trade.RequestID(s).Validate() },
		"text":    trade.ValidateText,
	}
	long := strings.Repeat
	for _, c := range []struct {
		kind      string
		good, bad []string
	}{
		{
			"symbol",
			[]string{"A", "EUR/USD", "ES.H26", "7203", "A-B_C", long("X", 24)},
			[]string{"", "eur", "EUR USD", "ＥＵＲ", "EUR\x00", long("X", 25), "\xff"},
		},
		{
			"user",
			[]string{"a", "alice", "a.b-c_9", long("x", 32)},
			[]string{"", "Alice", "9lives", ".a", "-a", "a b", "a/b", "é", long("x", 33), long("x", 10_000), "a\xff"},
		},
		{
			"account",
			[]string{"desk-7", long("x", 32)},
			[]string{"", "Desk", "7desk", long("x", 33), "a\n"},
		},
		{
			"request",
			[]string{"1", "a b", "注文-1", "#!", long("x", 64)},
			[]string{"", " a", "a ", "\ta", "a\nb", "a\u200b", long("x", 65), long("x", 10_000), "\xff", "a\x00"},
		},
		{
			"text",
			[]string{"", "a\nb\tc", "届く", long("x", 1000)},
			[]string{long("x", 1001), "a\x00", "\x1b[31m", "\u0085", "\xff", "a\r\n"},
		},
	} {
		for _, s := range c.good {
			if err := kinds[c.kind](s); err != nil {
				t.Errorf("%s %.40q is refused: %v", c.kind, s, err)
			}
		}
		for _, s := range c.bad {
			err := kinds[c.kind](s)
			if !errors.Is(err, trade.ErrBadName) {
				t.Errorf("%s %.40q: %v, want ErrBadName", c.kind, s, err)
				continue
			}
			if len(err.Error()) > 200 {
				t.Errorf("%s %.40q: the error is %d bytes long", c.kind, s, len(err.Error()))
			}
		}
	}
}
