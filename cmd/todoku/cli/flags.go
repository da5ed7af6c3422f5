package cli

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/trade"
)

// Flags that check their values when they are parsed, so that no command has to.

// parsedFlag implements pflag.Value by a function.
type parsedFlag struct {
	text, kind string
	set        func(string) error
}

func (f *parsedFlag) String() string { return f.text }
func (f *parsedFlag) Type() string   { return f.kind }

func (f *parsedFlag) Set(text string) error {
	err := f.set(text)
	if err == nil {
		f.text = text
	}
	return err
}

// ParsedFlag defines a flag whose value parse reads into p. The default is shown and not
// parsed.
func ParsedFlag[T any](flags *pflag.FlagSet, p *T, name, kind, standard, usage string, parse func(string) (T, error)) {
	set := func(text string) (err error) {
		*p, err = parse(text)
		return err
	}
	flags.Var(&parsedFlag{standard, kind, set}, name, usage)
}

// JSONFlag defines --json, with which a command prints for programs.
func (a *App) JSONFlag(command *cobra.Command) {
	command.Flags().BoolVar(&a.JSON, "json", false, "print one JSON object per line")
}

// ChoiceFlag defines a flag that takes one of a few words, and completes them.
func ChoiceFlag[S ~string](command *cobra.Command, p *S, name string, standard S, usage string, words ...S) {
	*p = standard
	var texts []string
	for _, word := range words {
		texts = append(texts, string(word))
	}
	ParsedFlag(command.Flags(), p, name, "string", string(standard), usage, func(text string) (S, error) {
		if !slices.Contains(texts, text) {
			return *p, fmt.Errorf("choose %s", strings.Join(texts, ", "))
		}
		return S(text), nil
	})
	CompleteWords(command, name, texts)
}

// Enum is an enum of the API.
type Enum interface {
	~int32
	protoreflect.Enum
}

// EnumFlag defines a flag that takes a word of an enum, and completes it.
func EnumFlag[E Enum](command *cobra.Command, p *E, name, usage string) {
	ParsedFlag(command.Flags(), p, name, "string", "", usage, ParseWord[E])
	CompleteWords(command, name, Words[E]())
}

// Require makes flags required.
func Require(command *cobra.Command, flags ...string) {
	for _, flag := range flags {
		_ = command.MarkFlagRequired(flag) // It fails only for a flag that does not exist.
	}
}

// CompleteWords completes a flag that takes one of a few words.
func CompleteWords(command *cobra.Command, flag string, words []string) {
	// It fails only for a flag that does not exist, or twice for the same.
	_ = command.RegisterFlagCompletionFunc(flag, cobra.FixedCompletions(words, cobra.ShellCompDirectiveNoFileComp))
}

// Word returns the name of an enum's value without the prefix of its type.
func Word[E Enum](value E) string {
	values := value.Descriptor().Values()
	known := values.ByNumber(value.Number())
	if known == nil {
		return strconv.Itoa(int(value))
	}
	prefix := strings.TrimSuffix(string(values.ByNumber(0).Name()), "UNSPECIFIED")
	return strings.TrimPrefix(string(known.Name()), prefix)
}

// Words returns all words of an enum except that of 0, in the order of their numbers.
func Words[E Enum]() (words []string) {
	var zero E
	values := zero.Descriptor().Values()
	for i := 1; i < values.Len(); i++ {
		words = append(words, Word(E(values.Get(i).Number())))
	}
	return words
}

// ParseWord returns the value of a word in any case.
func ParseWord[E Enum](text string) (E, error) {
	words := Words[E]()
	i := slices.Index(words, strings.ReplaceAll(strings.ToUpper(text), "-", "_"))
	if i < 0 {
		return 0, fmt.Errorf("%q is unknown; choose %s", text, strings.Join(words, ", "))
	}
	var zero E
	return E(zero.Descriptor().Values().Get(i + 1).Number()), nil
}

// DecimalFlag defines a flag that takes a price or quantity greater than zero.
func DecimalFlag(flags *pflag.FlagSet, p *string, name, standard, usage string) {
	*p = standard
	ParsedFlag(flags, p, name, "decimal", standard, usage, ParsePositive)
}

// ParsePositive checks a price or quantity and returns its shortest exact text.
func ParsePositive(text string) (string, error) {
	number, err := trade.ParseQuantity(text)
	switch {
	case err != nil && strings.Contains(text, ","):
		return "", fmt.Errorf("%q has a comma; write digits and at most one point, no commas", text)
	case err != nil:
		return "", err
	case number <= 0:
		return "", fmt.Errorf("%q is not greater than zero", text)
	}
	return number.String(), nil
}

// TimeFlag defines a flag that takes a time as ParseTime reads it.
func (a *App) TimeFlag(flags *pflag.FlagSet, p **timestamppb.Timestamp, name, usage string) {
	ParsedFlag(flags, p, name, "time", "", usage, func(text string) (*timestamppb.Timestamp, error) {
		t, err := ParseTime(text, a.Now())
		return timestamppb.New(t), err
	})
}

// ParseTime reads a time: a duration from now ("2h", or "-2h" for the past), a local date
// with or without a time, a time of today, or RFC 3339.
func ParseTime(text string, now time.Time) (time.Time, error) {
	if d, err := time.ParseDuration(text); err == nil {
		return now.Add(d), nil
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateTime, "2006-01-02T15:04:05", "2006-01-02 15:04", time.DateOnly} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return t, nil
		}
	}
	for _, layout := range []string{time.TimeOnly, "15:04"} {
		if t, err := time.ParseInLocation(layout, text, now.Location()); err == nil {
			return time.Date(now.Year(), now.Month(), now.Day(), t.Hour(), t.Minute(), t.Second(), 0, now.Location()), nil
		}
	}
	return time.Time{}, errors.New(`not a time; write 2h, 17:30, "2026-01-31 17:30" or 2026-01-31T17:30:00+09:00`)
}
