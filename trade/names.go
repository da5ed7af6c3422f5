package trade

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// OrderID identifies an order permanently; the engine counts from 1. FIX tag 37.
type OrderID uint64

// TradeID identifies a trade permanently; the engine counts from 1. FIX tag 1003.
type TradeID uint64

// Symbol names an instrument: 1 to 24 of A-Z, 0-9, '.', '-', '_' and '/'. FIX tag 55.
type Symbol string

// UserID is the name a user signs in with: 1 to 32 of a-z, 0-9, '.', '-' and '_',
// beginning with a letter.
type UserID string

// AccountID names an account; same alphabet as [UserID]. FIX tag 1.
type AccountID string

// RequestID is the client's name for one request, unique per account: printable
// characters without spaces at the ends, 1 to 64 bytes of UTF-8. It makes the
// request idempotent. FIX tag 11.
type RequestID string

// Longest texts, in bytes.
const (
	maxSymbol    = 24
	maxUserID    = 32
	maxRequestID = 64
	// MaxText bounds texts that people write: names, reasons, announcements.
	MaxText = 1000
)

// ErrBadName says that an identifier is empty, too long or has characters outside
// its alphabet.
var ErrBadName = errors.New("not a valid name")

// Validate returns [ErrBadName], wrapped with what is wrong, or nil.
func (s Symbol) Validate() error {
	return validate("symbol", string(s), maxSymbol, func(_ int, r rune) bool {
		return r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune(".-_/", r)
	}, "A-Z, 0-9 and . - _ /")
}

// Validate returns [ErrBadName], wrapped with what is wrong, or nil.
func (u UserID) Validate() error {
	return validate("user name", string(u), maxUserID, nameRune, "a-z, 0-9 and . - _, beginning with a letter")
}

// Validate returns [ErrBadName], wrapped with what is wrong, or nil.
func (a AccountID) Validate() error {
	return validate("account", string(a), maxUserID, nameRune, "a-z, 0-9 and . - _, beginning with a letter")
}

// Validate returns [ErrBadName], wrapped with what is wrong, or nil.
func (r RequestID) Validate() error {
	if strings.TrimSpace(string(r)) != string(r) {
		return fmt.Errorf("%w: a request id must not begin or end with a space", ErrBadName)
	}
	return validate("request id", string(r), maxRequestID, func(_ int, r rune) bool { return unicode.IsPrint(r) }, "printable characters")
}

// ValidateText checks a text that a person wrote: valid UTF-8, at most [MaxText]
// bytes, no control characters but newline and tab.
func ValidateText(text string) error {
	if len(text) > MaxText {
		return fmt.Errorf("%w: a text must be at most %d bytes long", ErrBadName, MaxText)
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("%w: a text must be valid UTF-8", ErrBadName)
	}
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return fmt.Errorf("%w: a text must not have control characters", ErrBadName)
		}
	}
	return nil
}

func nameRune(at int, r rune) bool {
	if r >= 'a' && r <= 'z' {
		return true
	}
	return at > 0 && (r >= '0' && r <= '9' || strings.ContainsRune(".-_", r))
}

// validate never quotes the text: it may be very long or contain control characters.
func validate(what, s string, most int, allowed func(at int, r rune) bool, alphabet string) error {
	switch {
	case s == "":
		return fmt.Errorf("%w: a %s is needed", ErrBadName, what)
	case len(s) > most:
		return fmt.Errorf("%w: a %s must be at most %d bytes long", ErrBadName, what, most)
	case !utf8.ValidString(s):
		return fmt.Errorf("%w: a %s must be valid UTF-8", ErrBadName, what)
	}
	for at, r := range s {
		if !allowed(at, r) {
			return fmt.Errorf("%w: a %s may contain only %s", ErrBadName, what, alphabet)
		}
	}
	return nil
}
