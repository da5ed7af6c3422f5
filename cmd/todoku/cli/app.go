// Package cli is what every command has in common and what needs no venue: how a
// command line is run and ends, settings from flags, environment and file, help, and
// output as tables or as JSON.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"todoku/client"
	"todoku/trade"
)

// The exit codes. Scripts rely on them.
const (
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitUnreachable = 3
)

// App is what the commands know of the world, so that tests can give them another.
type App struct {
	In          io.Reader
	Out, Errors io.Writer
	LookupEnv   func(string) (string, bool)
	Environ     func() []string
	ConfigDir   func() (string, error)
	Now         func() time.Time

	// completionWait is after how long a venue completes nothing.
	CompletionWait time.Duration

	// ran is set when a command's own code has begun: errors from before are
	// wrong usage.
	ran bool
}

// UsageError is a mistake in how a command was called.
type UsageError struct{ err error }

func (e *UsageError) Error() string { return e.err.Error() }
func (e *UsageError) Unwrap() error { return e.err }

// Usagef returns a mistake in how a command was called.
func Usagef(format string, args ...any) error {
	return &UsageError{fmt.Errorf(format, args...)}
}

// WrongUsage makes an error one of how a command was called.
func WrongUsage(err error) error { return &UsageError{err} }

// ErrRefused ends a command that has already said why.
var ErrRefused = errors.New("refused") //nolint:errname // It is compared, never shown.

// Execute runs one command line of a tree of commands and returns the exit code.
func (a *App) Execute(ctx context.Context, root *cobra.Command, args []string) int {
	a.markRunning(root)
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return ExitDone
	}
	var usage *UsageError
	switch {
	case errors.Is(err, ErrRefused):
		return ExitFailed
	case !a.ran || errors.As(err, &usage):
		a.Warn("%v", err)
		a.Say("usage: %s\n       %s --help tells more\n", command.UseLine(), command.CommandPath())
		return ExitUsage
	case client.Unreachable(err):
		a.Warn("could not reach the venue: %s", client.Describe(err))
		return ExitUnreachable
	}
	a.Warn("%s", Describe(err))
	return ExitFailed
}

// Describe returns an error in one line: what the venue said, where it said it.
func Describe(err error) string {
	var refusal *trade.Refusal // Of the engine itself, offline.
	if errors.As(err, &refusal) {
		text := refusal.Reason.String() + ": " + refusal.Reason.Sentence()
		if refusal.Detail != "" {
			text += " (" + refusal.Detail + ")"
		}
		return OneLine(text)
	}
	text := OneLine(client.Describe(err))
	if reason := client.Reason(err); reason != "" && !strings.HasPrefix(text, reason) {
		return reason + ": " + text
	}
	return text
}

// Warn tells the person at the terminal what is wrong.
func (a *App) Warn(format string, args ...any) { a.Say("todoku: "+format+"\n", args...) }

// Say tells the person at the terminal something that is not the answer. Where
// nobody can read it there is nobody to tell that either.
func (a *App) Say(format string, args ...any) {
	_, _ = fmt.Fprintf(a.Errors, format, args...)
}

// Group returns a command that only holds others.
func (a *App) Group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, Long: long,
		Args: func(command *cobra.Command, args []string) error {
			if len(args) == 0 {
				return nil
			}
			text := fmt.Sprintf("there is no command %q in %q", args[0], command.CommandPath())
			if near := command.SuggestionsFor(args[0]); len(near) > 0 {
				text += "; did you mean " + strings.Join(near, " or ") + "?"
			}
			return Usagef("%s", text)
		},
		RunE: func(command *cobra.Command, _ []string) error {
			if command.Parent() == nil {
				return command.Help()
			}
			return Usagef("%s needs to be told which: %s", command.CommandPath(), strings.Join(names(command.Commands()), ", "))
		},
		SuggestionsMinimumDistance: 2,
	}
	g.AddCommand(commands...)
	return g
}

func names(commands []*cobra.Command) []string {
	var all []string
	for _, c := range commands {
		if c.IsAvailableCommand() {
			all = append(all, c.Name())
		}
	}
	return all
}

// markRunning makes every command say when its own code begins.
func (a *App) markRunning(command *cobra.Command) {
	if run := command.RunE; run != nil {
		command.RunE = func(command *cobra.Command, args []string) error {
			a.ran = true
			return run(command, args)
		}
	}
	for _, c := range command.Commands() {
		a.markRunning(c)
	}
}

// IsTerminal says whether a person is at the other end.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// OneLine makes a text from elsewhere safe for a line of a terminal.
func OneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// OneOf completes and checks a flag that takes one of a few words.
func OneOf(command *cobra.Command, flag string, words ...string) {
	// It fails only for a flag that does not exist, or twice for the same.
	_ = command.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	})
}

// WordIndex finds a word, whatever its case, and returns its place from 1.
func WordIndex(what, word string, words ...string) (int, error) {
	if i := slices.Index(words, strings.ToUpper(word)); i >= 0 {
		return i + 1, nil
	}
	return 0, Usagef("%s %q: choose %s", what, word, strings.Join(words, ", "))
}

// Version returns what this binary was built from, as the toolchain noted it.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "(devel)"
	}
	return info.Main.Version
}
