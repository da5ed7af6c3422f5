// Package journal has the commands that read a venue's journal, with or without a running
// server. They write nothing.
package journal

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/cmd/todoku/cli"
	"todoku/journal"
	"todoku/server"
	"todoku/trade"
	"todoku/trade/record"
)

// Command is the group of the commands of the journal.
func Command(a *cli.App) *cobra.Command {
	return a.Group("journal", "Check, export and measure a venue's journal",
		"Reads the journal in a data directory, with or without a running server, and writes nothing.",
		verifyCommand(a), exportCommand(a), statCommand(a))
}

// withStore gives a command --data and runs it with the journal of that directory, opened
// for reading.
func withStore(command *cobra.Command, run func(context.Context, string, journal.Store) error) *cobra.Command {
	var data string
	command.Args = cobra.NoArgs
	cli.AddSettings(command, "Place", func(flags *pflag.FlagSet) {
		flags.StringVar(&data, "data", "data", "data directory, or sqlite:///directory")
	})
	command.RunE = func(command *cobra.Command, _ []string) (err error) {
		store, err := server.OpenJournal(command.Context(), data)
		if err != nil {
			return cli.WrongUsageIf(err, server.ErrConfig)
		}
		defer func() { err = errors.Join(err, store.Close()) }()
		return run(command.Context(), data, store)
	}
	return command
}

// journalSummary is what verify and stat print as JSON. Sequences are strings, as
// in the API.
type journalSummary struct {
	Epoch     string            `json:"epoch"`
	Oldest    uint64            `json:"oldest_sequence,string"`
	Head      uint64            `json:"head_sequence,string"`
	FirstTime string            `json:"first_time,omitempty"`
	LastTime  string            `json:"last_time,omitempty"`
	Records   uint64            `json:"records,string"`
	Bytes     uint64            `json:"record_bytes,string"`
	Kinds     map[string]uint64 `json:"kinds,omitempty"`
	Files     map[string]int64  `json:"file_bytes,omitempty"`
	Snapshots []snapshotSummary `json:"snapshots,omitempty"`
}

type snapshotSummary struct {
	Sequence uint64 `json:"sequence,string"`
	Time     string `json:"time"`
	Bytes    int    `json:"bytes"`
}

func summarise(s journal.Summary) journalSummary {
	return journalSummary{
		Epoch: s.Epoch, Oldest: s.Oldest, Head: s.Head, Records: s.Records, Bytes: s.Bytes,
		FirstTime: jsonTime(s.FirstTime), LastTime: jsonTime(s.LastTime),
	}
}

// jsonTime writes nanoseconds since 1970 as the API does; "" for zero.
func jsonTime(nanos int64) string {
	if nanos == 0 {
		return ""
	}
	return time.Unix(0, nanos).UTC().Format(time.RFC3339Nano)
}

func verifyCommand(a *cli.App) *cobra.Command {
	command := &cobra.Command{
		Use: "verify", Short: "Read every record and name the first damaged one",
		Long: `Reads every record from the oldest to the newest and checks checksums, order and that
each can be decoded. Exit code 1 and the sequence of the first bad one, if any.`,
		Example: "  todoku journal verify --data ./data",
	}
	a.JSONFlag(command)
	return withStore(command, func(ctx context.Context, _ string, store journal.Store) error {
		summary, err := verify(ctx, a, store, func(*trade.Record) {})
		if err != nil {
			return fmt.Errorf("%d good records, then: %w", summary.Records, err)
		}
		if a.JSON {
			return a.PrintValue(summarise(summary))
		}
		return a.Printf("%d records from %d to %d, %s: all good\n", summary.Records, summary.Oldest, summary.Head, cli.Bytes(summary.Bytes))
	})
}

// verify is journal.Verify for records that must also decode as those of a venue: a
// checksum proves only that they are as they were written. It shows its progress.
func verify(ctx context.Context, a *cli.App, store journal.Store, use func(*trade.Record)) (journal.Summary, error) {
	show := progress(a)
	return journal.Verify(ctx, store, func(stored journal.Record, summary journal.Summary) error {
		r, err := decode(stored)
		if err == nil {
			use(r)
			show(summary)
		}
		return err
	})
}

func decode(stored journal.Record) (*trade.Record, error) {
	r, err := record.Decode(stored.Sequence, stored.Time, stored.Data)
	if err != nil {
		return nil, &journal.CorruptError{Sequence: stored.Sequence, Reason: err.Error()}
	}
	return r, nil
}

// progress returns a function that shows how far a long command has come, on a terminal
// only.
func progress(a *cli.App) func(journal.Summary) {
	shown := time.Time{}
	return func(s journal.Summary) {
		const often = 100 * time.Millisecond
		now, all := a.Now(), s.Head+1-s.Oldest
		if !cli.IsTerminal(a.Errors) || s.Records < all && now.Sub(shown) < often {
			return
		}
		shown = now
		a.Say("\r%d of %d records, %d%%", s.Records, all, s.Records*100/all)
		if s.Records == all {
			a.Say("\n")
		}
	}
}

func statCommand(a *cli.App) *cobra.Command {
	command := &cobra.Command{
		Use: "stat", Short: "Summarise what the journal holds",
		Long:    "Prints which records the journal holds, their times and kinds, and how much space they and the snapshots take.",
		Example: "  todoku journal stat --data ./data --json",
	}
	a.JSONFlag(command)
	return withStore(command, func(ctx context.Context, data string, store journal.Store) error {
		kinds := map[string]uint64{}
		base, err := verify(ctx, a, store, func(r *trade.Record) { kinds[r.Command.Kind.String()]++ })
		if err != nil {
			return err
		}
		summary := summarise(base)
		summary.Kinds = kinds
		if summary.Files, err = server.StorageBytes(data); err != nil {
			return err
		}
		if summary.Snapshots, err = snapshots(ctx, store); err != nil {
			return err
		}
		if a.JSON {
			return a.PrintValue(summary)
		}
		return printStat(a, &summary)
	})
}

// snapshots lists the snapshots of a journal, newest first.
func snapshots(ctx context.Context, store journal.Store) (all []snapshotSummary, err error) {
	for atMost := uint64(journal.MaxSequence); ; {
		snapshot, err := store.LoadSnapshot(ctx, atMost)
		if errors.Is(err, journal.ErrNoSnapshot) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = append(all, snapshotSummary{snapshot.Sequence, jsonTime(snapshot.Time), len(snapshot.Data)})
		if snapshot.Sequence == 0 {
			return all, nil
		}
		atMost = snapshot.Sequence - 1
	}
}

func printStat(a *cli.App, s *journalSummary) error {
	rows := [][]string{
		{"epoch", s.Epoch},
		{"records", fmt.Sprintf("%d, from %d to %d, %s", s.Records, s.Oldest, s.Head, cli.Bytes(s.Bytes))},
		{"times", s.FirstTime + " to " + s.LastTime},
	}
	for _, kind := range slices.Sorted(maps.Keys(s.Kinds)) {
		rows = append(rows, []string{"  " + kind, cli.FormatUint(s.Kinds[kind])})
	}
	for _, snapshot := range s.Snapshots {
		rows = append(rows, []string{"snapshot", fmt.Sprintf("after %d, %s, %s", snapshot.Sequence, snapshot.Time, cli.Bytes(uint64(snapshot.Bytes)))})
	}
	for _, name := range slices.Sorted(maps.Keys(s.Files)) {
		rows = append(rows, []string{name, cli.Bytes(uint64(s.Files[name]))})
	}
	return cli.WriteTable(a.Out, rows, "WHAT", "HOW MUCH")
}
