package journal

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/cmd/todoku/cli"
	"todoku/journal"
	"todoku/server"
	"todoku/trade"
)

// backupSummary is what backup prints as JSON.
type backupSummary struct {
	Directory string         `json:"directory"`
	Journal   journalSummary `json:"journal"`
	Keys      bool           `json:"signing_keys"`
}

// BackupCommand copies a data directory.
func BackupCommand(a *cli.App) *cobra.Command {
	var data string
	var options server.BackupOptions
	command := &cobra.Command{
		Use: "backup DIR", Short: "Copy a venue's data, also while it runs, and check the copy",
		Long: `Copies the venue in --data into DIR, which must be missing or empty, and checks every record
of the copy. A server may run on --data meanwhile. All files of the copy belong together;
only you can read them.

To restore, stop the venue, put DIR where --data was, and start. Clients then get the
whole state once, because their cursors are those of the original.

The signing keys stay behind unless --with-keys is given, since whoever holds them can
sign in as anybody. Without them everybody signs in again after a restore.`,
		Example: "  todoku backup /var/backups/todoku/monday --data /var/lib/todoku",
		Args:    cobra.ExactArgs(1),
	}
	cli.AddSettings(command, "Place", func(flags *pflag.FlagSet) {
		flags.StringVar(&data, "data", "data", "data directory, or sqlite:///directory")
	})
	command.Flags().BoolVar(&options.Keys, "with-keys", false, "copy the signing keys too: sessions survive a restore; keep the copy as secret as a password")
	a.JSONFlag(command)
	command.RunE = func(command *cobra.Command, args []string) error {
		var checked journal.Summary
		options.Check = func(ctx context.Context, store journal.Store) (err error) {
			if checked, err = verify(ctx, a, store, func(*trade.Record) {}); err != nil {
				return fmt.Errorf("the copy has %d good records, then: %w", checked.Records, err)
			}
			return nil
		}
		report, err := server.BackupStorage(command.Context(), data, args[0], options)
		if err != nil {
			return cli.WrongUsageIf(err, server.ErrConfig)
		}
		if report.WithoutHistory != nil {
			a.Warn("history.db is left out; a venue builds it again from the journal: %v", report.WithoutHistory)
		}
		summary := backupSummary{Directory: args[0], Journal: summarise(checked), Keys: options.Keys}
		summary.Journal.Files = report.Files
		if a.JSON {
			return a.PrintValue(summary)
		}
		return printBackup(a, &summary)
	}
	return command
}

func printBackup(a *cli.App, s *backupSummary) error {
	var rows [][]string
	for _, name := range slices.Sorted(maps.Keys(s.Journal.Files)) {
		rows = append(rows, []string{name, cli.Bytes(uint64(s.Journal.Files[name]))})
	}
	if err := cli.WriteTable(a.Out, rows, "FILE", ">SIZE"); err != nil {
		return err
	}
	keys := "without signing keys: after a restore everybody signs in again"
	if s.Keys {
		keys = "with signing keys: keep it as secret as a password"
	}
	return a.Printf("%d records from %d to %d, all good; %s\n", s.Journal.Records, s.Journal.Oldest, s.Journal.Head, keys)
}
