package session

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
)

// Shell completion. What the venue knows is asked for with the kept session; a
// venue that does not answer at once just completes nothing.

// PromptWait is how long somebody at a prompt waits for words.
const PromptWait = time.Second

// lookup returns the words that may stand somewhere.
type lookup func(context.Context, *Venue) ([]string, error)

// Complete runs a lookup as the user that the command would run as.
func Complete(a *cli.App, command *cobra.Command, find lookup) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(command.Context(), a.CompletionWait)
	defer cancel()
	var words []string
	// Completion has no place to show an error; the command itself will.
	if a.ApplySettings(command) == nil {
		if c, err := connectionOf(command); err == nil {
			_ = WithClient(ctx, a, c, func(dialed *Venue) (err error) {
				words, err = find(ctx, dialed)
				return err
			})
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// CompleteFlag completes a flag's value.
func CompleteFlag(a *cli.App, command *cobra.Command, flag string, find lookup) {
	// It fails only for a flag that does not exist, or twice for the same.
	_ = command.RegisterFlagCompletionFunc(flag, func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return Complete(a, command, find)
	})
}

// CompleteFirst completes the first argument.
func CompleteFirst(a *cli.App, find lookup) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return Complete(a, command, find)
	}
}

// Symbols lists the instruments.
func Symbols(ctx context.Context, dialed *Venue) ([]string, error) {
	reply, err := dialed.Market().ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{})
	var words []string
	for _, i := range reply.GetInstruments() {
		words = append(words, i.GetSymbol()+"\t"+i.GetName())
	}
	return words, err
}

// Users lists the users, for those who may.
func Users(ctx context.Context, dialed *Venue) ([]string, error) {
	reply, err := dialed.Admin().ListAllUsers(ctx, &todokuv1.ListAllUsersRequest{})
	var words []string
	for _, u := range reply.GetUsers() {
		words = append(words, u.GetUser()+"\t"+u.GetDisplayName())
	}
	return words, err
}
