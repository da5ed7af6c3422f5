package main

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	todokuv1 "todoku/gen/todoku/v1"
)

// Shell completion. What the venue knows is asked for with the kept session; a
// venue that does not answer at once just completes nothing.

// promptWait is how long somebody at a prompt waits for words.
const promptWait = time.Second

// lookup returns the words that may stand somewhere.
type lookup func(context.Context, *venue) ([]string, error)

// complete runs a lookup as the user that the command would run as.
func (a *app) complete(command *cobra.Command, find lookup) ([]string, cobra.ShellCompDirective) {
	ctx, cancel := context.WithTimeout(command.Context(), a.completionWait)
	defer cancel()
	var words []string
	// Completion has no place to show an error; the command itself will.
	if a.applySettings(command) == nil {
		if c, err := connectionOf(command); err == nil {
			_ = a.withClient(ctx, c, func(dialed *venue) (err error) {
				words, err = find(ctx, dialed)
				return err
			})
		}
	}
	return words, cobra.ShellCompDirectiveNoFileComp
}

// completeFlag completes a flag's value.
func (a *app) completeFlag(command *cobra.Command, flag string, find lookup) {
	// It fails only for a flag that does not exist, or twice for the same.
	_ = command.RegisterFlagCompletionFunc(flag, func(command *cobra.Command, _ []string, _ string) ([]string, cobra.ShellCompDirective) {
		return a.complete(command, find)
	})
}

// completeFirst completes the first argument.
func (a *app) completeFirst(find lookup) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return a.complete(command, find)
	}
}

// completeOrder completes SIDE QUANTITY SYMBOL @.
func (a *app) completeOrder(command *cobra.Command, args []string, _ string) ([]string, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return sideWords(), cobra.ShellCompDirectiveNoFileComp
	case 2:
		return a.complete(command, a.symbols)
	case 3:
		return []string{"@"}, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// symbols lists the instruments.
func (a *app) symbols(ctx context.Context, dialed *venue) ([]string, error) {
	reply, err := dialed.Market().ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{})
	var words []string
	for _, i := range reply.GetInstruments() {
		words = append(words, i.GetSymbol()+"\t"+i.GetName())
	}
	return words, err
}

// users lists the users, for those who may.
func (a *app) users(ctx context.Context, dialed *venue) ([]string, error) {
	reply, err := dialed.Admin().ListAllUsers(ctx, &todokuv1.ListAllUsersRequest{})
	var words []string
	for _, u := range reply.GetUsers() {
		words = append(words, u.GetUser()+"\t"+u.GetDisplayName())
	}
	return words, err
}
