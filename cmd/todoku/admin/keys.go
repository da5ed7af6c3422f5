package admin

import (
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/cmd/todoku/cli"
	"todoku/server"
)

// KeysCommand is the group of the commands of signing keys.
func KeysCommand(a *cli.App) *cobra.Command {
	return a.Group("keys", "Replace the keys that sign tokens",
		`Administers the keys that sign the tokens of sessions. They are in the file "keys" of the
data directory. A venue adds a new one every 30 days by itself.`, keysRotateCommand(a))
}

func keysRotateCommand(a *cli.App) *cobra.Command {
	var data string
	command := &cobra.Command{
		Use: "rotate", Short: "Replace the signing keys and end all sessions",
		Long: `Replaces the signing keys in a data directory, with or without a running server. Do so
when somebody else may have read the file "keys", or accounts.db of a version before it.
Tokens that the old keys signed are no longer valid: a running server ends all sessions
within half a minute, and everybody signs in again.`,
		Example: "  todoku keys rotate --data ./data",
		Args:    cobra.NoArgs,
	}
	cli.AddSettings(command, "Place", func(flags *pflag.FlagSet) {
		flags.StringVar(&data, "data", "data", "data directory, or sqlite:///directory")
	})
	command.RunE = func(command *cobra.Command, _ []string) error {
		running, err := venueIn(data)
		if err != nil {
			return cli.WrongUsageIf(err, server.ErrConfig)
		}
		if err := server.ReplaceKeys(command.Context(), data, a.Now()); err != nil {
			return err
		}
		if running {
			return a.Printf("a new key signs; the running server ends all sessions within half a minute\n")
		}
		return a.Printf("a new key signs; all sessions end when the venue starts\n")
	}
	return command
}

// venueIn reports whether a server runs on the venue in data, and refuses a directory
// without one. A misspelt directory would become an empty venue.
func venueIn(data string) (running bool, err error) {
	switch state, err := server.InspectStorage(data); {
	case err != nil:
		return false, err
	case state == server.StorageMissing, state == server.StorageEmpty:
		return false, fmt.Errorf("--data %s holds no venue; name the directory of one", data)
	default:
		return state == server.StorageInUse, nil
	}
}
