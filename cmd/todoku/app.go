package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
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
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitUnreachable = 3
)

// app is what the commands know of the world, so that tests can give them another.
type app struct {
	in          io.Reader
	out, errors io.Writer
	lookupEnv   func(string) (string, bool)
	environ     func() []string
	configDir   func() (string, error)
	now         func() time.Time

	// completionWait is after how long a venue completes nothing.
	completionWait time.Duration

	// ran is set when a command's own code has begun: errors from before are
	// wrong usage.
	ran bool
}

// usageError is a mistake in how a command was called.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

// usagef returns a mistake in how a command was called.
func usagef(format string, args ...any) error {
	return &usageError{fmt.Errorf(format, args...)}
}

// errRefused ends a command that has already said why.
var errRefused = errors.New("refused") //nolint:errname // It is compared, never shown.

// run executes one command line and returns the exit code.
func (a *app) run(ctx context.Context, args []string) int {
	root := a.root()
	root.SetArgs(args)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitDone
	}
	var usage *usageError
	switch {
	case errors.Is(err, errRefused):
		return exitFailed
	case !a.ran || errors.As(err, &usage):
		a.warn("%v", err)
		a.say("usage: %s\n       %s --help tells more\n", command.UseLine(), command.CommandPath())
		return exitUsage
	case client.Unreachable(err):
		a.warn("could not reach the venue: %s", client.Describe(err))
		return exitUnreachable
	}
	a.warn("%s", describe(err))
	return exitFailed
}

// describe returns an error in one line: what the venue said, where it said it.
func describe(err error) string {
	var refusal *trade.Refusal // Of the engine itself, offline.
	if errors.As(err, &refusal) {
		text := refusal.Reason.String() + ": " + refusal.Reason.Sentence()
		if refusal.Detail != "" {
			text += " (" + refusal.Detail + ")"
		}
		return oneLine(text)
	}
	text := oneLine(client.Describe(err))
	if reason := client.Reason(err); reason != "" && !strings.HasPrefix(text, reason) {
		return reason + ": " + text
	}
	return text
}

// warn tells the person at the terminal what is wrong.
func (a *app) warn(format string, args ...any) { a.say("todoku: "+format+"\n", args...) }

// say tells the person at the terminal something that is not the answer. Where
// nobody can read it there is nobody to tell that either.
func (a *app) say(format string, args ...any) {
	_, _ = fmt.Fprintf(a.errors, format, args...)
}

// root builds the whole tree of commands.
func (a *app) root() *cobra.Command {
	root := a.group("todoku", "A trading venue whose clients never poll", `Todoku is a trading venue in one binary. "todoku serve" runs it; the other commands
use it over the network, as the user that "todoku login" signed in.

Every setting marked so in a command's help can also be given in the environment
(--grpc-addr is TODOKU_GRPC_ADDR) or in a YAML file named by --config, under the
flag's name. Flags win over the environment, the environment over the file.

Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 could not connect.`,
		a.serveCommand(),
		a.loginCommand(), a.logoutCommand(),
		a.watchCommand(), a.orderCommand(), a.bookCommand(), a.tradesCommand(), a.positionsCommand(),
		a.userCommand(), a.instrumentCommand(), a.limitsCommand(), a.announceCommand(), a.bustCommand(),
		a.connectionsCommand(), a.auditCommand(),
		a.journalCommand(), a.configCommand(), a.doctorCommand(), a.benchCommand(), a.versionCommand(),
	)
	root.Example = "  todoku serve --demo\n  TODOKU_USER=alice TODOKU_PASSWORD=demo todoku watch"
	root.SilenceErrors, root.SilenceUsage = true, true
	root.PersistentFlags().String("config", "", "YAML file with settings, also TODOKU_CONFIG")
	root.PersistentPreRunE = func(command *cobra.Command, _ []string) error {
		return a.applySettings(command)
	}
	root.SetIn(a.in)
	root.SetOut(a.out)
	root.SetErr(a.errors)
	root.SetUsageFunc(printUsage)
	a.markRunning(root)
	return root
}

// group returns a command that only holds others.
func (a *app) group(use, short, long string, commands ...*cobra.Command) *cobra.Command {
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
			return usagef("%s", text)
		},
		RunE: func(command *cobra.Command, _ []string) error {
			if command.Parent() == nil {
				return command.Help()
			}
			return usagef("%s needs to be told which: %s", command.CommandPath(), strings.Join(names(command.Commands()), ", "))
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
func (a *app) markRunning(command *cobra.Command) {
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

// isTerminal says whether a person is at the other end.
func isTerminal(stream any) bool {
	file, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(file.Fd()))
}

// oneLine makes a text from elsewhere safe for a line of a terminal.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r >= 0x7f && r < 0xa0 {
			return ' '
		}
		return r
	}, text)
}

// oneOf completes and checks a flag that takes one of a few words.
func oneOf(command *cobra.Command, flag string, words ...string) {
	// It fails only for a flag that does not exist, or twice for the same.
	_ = command.RegisterFlagCompletionFunc(flag, func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return words, cobra.ShellCompDirectiveNoFileComp
	})
}

// wordIndex finds a word, whatever its case, and returns its place from 1.
func wordIndex(what, word string, words ...string) (int, error) {
	if i := slices.Index(words, strings.ToUpper(word)); i >= 0 {
		return i + 1, nil
	}
	return 0, usagef("%s %q: choose %s", what, word, strings.Join(words, ", "))
}
