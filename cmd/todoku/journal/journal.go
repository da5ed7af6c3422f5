// Package journal has the commands that read a venue's journal, beside a running server
// or without one. They write nothing.
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
		"Reads the journal in a data directory, beside a running server or without one, and writes nothing.",
		verifyCommand(a), exportCommand(a), statCommand(a))
}

// withStore gives a command the setting of a data directory and runs it with the
// journal there, opened for reading.
func withStore(command *cobra.Command, run func(context.Context, string, journal.Store) error) *cobra.Command {
	var data string
	command.Args = cobra.NoArgs
	cli.AddSettings(command, "Place", func(flags *pflag.FlagSet) {
		flags.StringVar(&data, "data", "data", "data directory, or sqlite:///directory")
	})
	command.RunE = func(command *cobra.Command, _ []string) (err error) {
		store, err := server.OpenJournal(command.Context(), data)
		if errors.Is(err, server.ErrConfig) {
			return cli.WrongUsage(err)
		}
		if err != nil {
			return err
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
		summary, err := journal.Verify(ctx, decodedStore{store}, progress(a))
		if err != nil {
			return fmt.Errorf("%d good records, then: %w", summary.Records, err)
		}
		if a.JSON {
			return a.PrintValue(summarise(summary))
		}
		return a.Printf("%d records from %d to %d, %s: all good\n", summary.Records, summary.Oldest, summary.Head, cli.Bytes(summary.Bytes))
	})
}

// progress returns what shows how far a long command has come, on a terminal only.
func progress(a *cli.App) func(journal.Summary) {
	shown := time.Time{}
	return func(s journal.Summary) {
		const often = 100 * time.Millisecond
		now, last, of := a.Now(), s.Records == s.Head+1-s.Oldest, s.Head+1-s.Oldest
		if !cli.IsTerminal(a.Errors) || !last && now.Sub(shown) < often {
			return
		}
		shown = now
		a.Say("\r%d of %d records, %d%%", s.Records, of, s.Records*100/of)
		if last {
			a.Say("\n")
		}
	}
}

// decodedStore is a store whose records must also be this venue's: a checksum proves
// only that they are as they were written.
type decodedStore struct{ journal.Store }

// Read implements journal.Store.
func (d decodedStore) Read(ctx context.Context, after uint64, limit int) ([]journal.Record, error) {
	records, err := d.Store.Read(ctx, after, limit)
	for _, r := range records {
		if _, err := record.Decode(r.Sequence, r.Time, r.Data); err != nil {
			return nil, &journal.CorruptError{Sequence: r.Sequence, Reason: err.Error()}
		}
	}
	return records, err
}

// walk calls use with the records after one sequence up to another, as they are
// stored and decoded.
func walk(ctx context.Context, store journal.Store, after, through uint64, use func(journal.Record, *trade.Record) error) error {
	return journal.Walk(ctx, store, after, through, func(stored journal.Record) error {
		decoded, err := record.Decode(stored.Sequence, stored.Time, stored.Data)
		if err != nil {
			return fmt.Errorf("record %d: %w", stored.Sequence, err)
		}
		return use(stored, decoded)
	})
}

func statCommand(a *cli.App) *cobra.Command {
	command := &cobra.Command{
		Use: "stat", Short: "Summarise what the journal holds",
		Long:    "Prints which records the journal holds, their times and kinds, and how much space they and the snapshots take.",
		Example: "  todoku journal stat --data ./data --json",
	}
	a.JSONFlag(command)
	return withStore(command, func(ctx context.Context, data string, store journal.Store) error {
		summary, err := stat(ctx, a, data, store)
		if err != nil {
			return err
		}
		if a.JSON {
			return a.PrintValue(summary)
		}
		return printStat(a, summary)
	})
}

func stat(ctx context.Context, a *cli.App, data string, store journal.Store) (journalSummary, error) {
	base, err := journal.Stat(ctx, store)
	if err != nil {
		return journalSummary{}, err
	}
	kinds, show := map[string]uint64{}, progress(a)
	err = walk(ctx, store, base.Oldest-1, base.Head, func(stored journal.Record, r *trade.Record) error {
		kinds[r.Command.Kind.String()]++
		base.Records++
		base.Bytes += uint64(len(stored.Data))
		show(base)
		return nil
	})
	summary := summarise(base)
	summary.Kinds = kinds
	if err != nil {
		return summary, err
	}
	if summary.Files, err = server.StorageBytes(data); err != nil {
		return summary, err
	}
	for atMost := uint64(journal.MaxSequence); ; {
		snapshot, err := store.LoadSnapshot(ctx, atMost)
		if errors.Is(err, journal.ErrNoSnapshot) {
			return summary, nil
		}
		if err != nil {
			return summary, err
		}
		summary.Snapshots = append(summary.Snapshots, snapshotSummary{snapshot.Sequence, jsonTime(snapshot.Time), len(snapshot.Data)})
		if snapshot.Sequence == 0 {
			return summary, nil
		}
		atMost = snapshot.Sequence - 1
	}
}

func printStat(a *cli.App, s journalSummary) error {
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
