package session

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	todokuv1 "todoku/gen/todoku/v1"
)

// PromptWait bounds how long shell completion waits for the venue.
const PromptWait = time.Second

// Complete completes an argument or a flag's value by a lookup at the venue, as the user
// that the command would run as. It completes at most limit arguments, or any number for
// 0. If the venue does not answer in time, it completes nothing.
func (s *Session) Complete(limit int, find func(context.Context, *Venue) ([]string, error)) cobra.CompletionFunc {
	return func(command *cobra.Command, args []string, _ string) (words []string, _ cobra.ShellCompDirective) {
		if limit > 0 && len(args) >= limit {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		ctx, cancel := context.WithTimeout(command.Context(), s.CompletionWait)
		defer cancel()
		// Completion cannot show an error; the command itself will.
		if s.ApplySettings(command) == nil && s.check(command) == nil {
			_ = s.WithVenue(ctx, func(venue *Venue) (err error) {
				words, err = find(ctx, venue)
				return err
			})
		}
		return words, cobra.ShellCompDirectiveNoFileComp
	}
}

// CompleteFlag completes a flag's value.
func (s *Session) CompleteFlag(command *cobra.Command, flag string, find func(context.Context, *Venue) ([]string, error)) {
	// It fails only for a flag that does not exist, or twice for the same.
	_ = command.RegisterFlagCompletionFunc(flag, s.Complete(0, find))
}

// Symbols lists the instruments.
func Symbols(ctx context.Context, venue *Venue) (words []string, err error) {
	reply, err := venue.Market().ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{})
	for _, i := range reply.GetInstruments() {
		words = append(words, i.GetSymbol()+"\t"+i.GetName())
	}
	return words, err
}

// Users lists the users, for those who may see them.
func Users(ctx context.Context, venue *Venue) (words []string, err error) {
	reply, err := venue.Admin().ListAllUsers(ctx, &todokuv1.ListAllUsersRequest{})
	for _, u := range reply.GetUsers() {
		words = append(words, u.GetUser()+"\t"+u.GetDisplayName())
	}
	return words, err
}
