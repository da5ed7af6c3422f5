// Package cli has what all commands share and what needs no venue: running a command
// line, exit codes, flags, settings from environment and file, help, and output as tables
// or as JSON.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
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

// App runs one command line. Its fields are the process's surroundings, which tests
// replace.
type App struct {
	In          io.Reader
	Out, Errors io.Writer
	LookupEnv   func(string) (string, bool)
	Environ     func() []string
	ConfigDir   func() (string, error)
	Now         func() time.Time

	// CompletionWait bounds how long shell completion waits for a venue.
	CompletionWait time.Duration

	// JSON is set by --json: print objects for programs.
	JSON bool

	ran   bool // a command's own code has begun; earlier errors are wrong usage
	atEnd []func()
}

// AtEnd has Execute call f when the command has ended and its error is printed. Functions
// are called in the order of AtEnd.
func (a *App) AtEnd(f func()) { a.atEnd = append(a.atEnd, f) }

// UsageError is a mistake in how a command was called.
type UsageError struct{ error }

// Unwrap returns the mistake itself.
func (e *UsageError) Unwrap() error { return e.error }

// Usagef returns a mistake in how a command was called.
func Usagef(format string, args ...any) error { return WrongUsage(fmt.Errorf(format, args...)) }

// WrongUsage marks an error as a mistake in how a command was called.
func WrongUsage(err error) error { return &UsageError{err} }

// WrongUsageIf marks an error as such a mistake if it matches target.
func WrongUsageIf(err, target error) error {
	if errors.Is(err, target) {
		return WrongUsage(err)
	}
	return err
}

// ErrRefused ends a command that has already printed the reason.
var ErrRefused = errors.New("refused") //nolint:errname // It is compared, never shown.

// Root prepares the root of the tree of commands.
func (a *App) Root(root *cobra.Command) *cobra.Command {
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentFlags().String("config", "", "YAML file with settings, also TODOKU_CONFIG")
	root.PersistentPreRunE = func(command *cobra.Command, _ []string) error { return a.ApplySettings(command) }
	root.SetIn(a.In)
	root.SetOut(a.Out)
	root.SetErr(a.Errors)
	root.SetUsageFunc(printUsage)
	a.markRunning(root)
	return root
}

// Execute runs one command line of a tree of commands and returns the exit code.
func (a *App) Execute(ctx context.Context, root *cobra.Command, args []string) int {
	defer func() {
		for _, f := range a.atEnd {
			f()
		}
	}()
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
		a.Say("usage: %s\n       run %s --help for more\n", command.UseLine(), command.CommandPath())
		return ExitUsage
	case client.Unreachable(err):
		a.Warn("could not reach the venue: %s", client.Describe(err))
		return ExitUnreachable
	}
	a.Warn("%s", Describe(err))
	return ExitFailed
}

// Describe returns an error in one line, in the venue's words if it has any.
func Describe(err error) string {
	var refusal *trade.Refusal // It comes from the engine itself, offline.
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

// Warn prints a warning or an error to standard error.
func (a *App) Warn(format string, args ...any) { a.Say("todoku: "+format+"\n", args...) }

// Say prints to standard error what is not the command's result. It ignores errors, which
// it could report nowhere else.
func (a *App) Say(format string, args ...any) { _, _ = fmt.Fprintf(a.Errors, format, args...) }

// Group returns a command that only holds others.
func (a *App) Group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
	g := &cobra.Command{
		Use: use, Short: short, Long: long, Args: cobra.ArbitraryArgs,
		RunE: func(command *cobra.Command, args []string) error {
			if len(args) > 0 {
				return Usagef("there is no command %q in %q%s", args[0], command.CommandPath(), didYouMean(command.SuggestionsFor(args[0])))
			}
			if command.Parent() == nil {
				return command.Help()
			}
			var names []string
			for _, c := range command.Commands() {
				if c.IsAvailableCommand() {
					names = append(names, c.Name())
				}
			}
			return Usagef("%s needs a command: %s", command.CommandPath(), strings.Join(names, ", "))
		},
		SuggestionsMinimumDistance: 2,
	}
	g.AddCommand(commands...)
	return g
}

func didYouMean(words []string) string {
	if len(words) == 0 {
		return ""
	}
	return fmt.Sprintf("; did you mean %q?", strings.Join(words, " or "))
}

// markRunning makes every command note when its own code begins.
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

// IsTerminal reports whether a stream is a terminal.
func IsTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// OneLine replaces the control characters of a text by spaces, so that text from elsewhere
// is safe on a terminal.
func OneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// Version returns the version of the source that the toolchain built.
func Version() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}
