package account

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The rule for new passwords is NIST SP 800-63B-4, section 3.1.1.2: a minimum length, 15
// characters where the password is the only factor, a list of what is commonly used or
// expected, and nothing about composition. It is checked when a password is set; stored
// ones stay good.

//go:embed common-passwords.txt
var commonPasswords string

// CheckNewPassword refuses a new password by [CheckNewPassword] with Config.MinPassword, as
// setting it would.
func (s *Service) CheckNewPassword(user, password string) error {
	return CheckNewPassword(user, password, s.cfg.MinPassword)
}

// CheckNewPassword refuses a password that is shorter than least characters or is made of
// common words, the user's or the venue's name, or one sequence. The error is [ErrInvalid],
// and says what to change.
func CheckNewPassword(user, password string, least int) error {
	if err := checkArguments(user, password); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(password); n < least {
		return fmt.Errorf("%w: the new password has %d characters, of which at least %d are needed; choose a longer one", ErrInvalid, n, least)
	}
	if strings.ContainsRune(password, 0) {
		return fmt.Errorf("%w: the new password contains a NUL character; leave it out", ErrInvalid)
	}
	if isSequence(password) {
		return fmt.Errorf("%w: the new password is a sequence of characters; choose another one", ErrInvalid)
	}
	words := []string{"todoku", onlyLetters(user)}
	for line := range strings.Lines(commonPasswords) {
		if !strings.HasPrefix(line, "#") {
			words = append(words, strings.TrimSpace(line))
		}
	}
	if letters := onlyLetters(password); letters != "" && madeOf(letters, words) {
		return fmt.Errorf("%w: the new password is made of common words or of the user's name; choose another one", ErrInvalid)
	}
	return nil
}

// onlyLetters returns the letters of a text in lower case, with the usual digits in their
// place read as letters.
func onlyLetters(text string) string {
	asLetters := strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "@", "a", "$", "s")
	letters := func(text string) string {
		return strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) {
				return r
			}
			return -1
		}, text)
	}
	text = strings.TrimFunc(strings.ToLower(text), func(r rune) bool { return !unicode.IsLetter(r) && r != '@' && r != '$' })
	return letters(asLetters.Replace(text))
}

// madeOf reports whether at most two letters of a text are left without the words, the
// longest first.
func madeOf(text string, words []string) bool {
	slices.SortFunc(words, func(a, b string) int { return len(b) - len(a) })
	rest := text
	for _, word := range words {
		if len(word) < 3 {
			continue
		}
		rest = strings.ReplaceAll(rest, word, " ")
	}
	return utf8.RuneCountInString(strings.ReplaceAll(rest, " ", "")) <= 2
}

// isSequence reports whether a text goes on in equal steps, such as 1111 or 2468, or
// repeats a part of at most five characters.
func isSequence(text string) bool {
	runes := []rune(text)
	for part := 1; part <= 5 && 2*part <= len(runes); part++ {
		repeats := true
		for i := part; i < len(runes) && repeats; i++ {
			repeats = runes[i] == runes[i-part]
		}
		if repeats {
			return true
		}
	}
	steps := 0
	for i := 1; i < len(runes); i++ {
		if d := runes[i] - runes[i-1]; d == 1 || d == -1 || d == 0 || d == -9 || d == 9 { // 890123 goes on.
			steps++
		}
	}
	return len(runes) > 1 && steps >= (len(runes)-1)*9/10
}
