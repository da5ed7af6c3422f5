// Package config has the commands that check the settings of a server, and print those of
// clients and proxies. They start nothing.
package config

import (
	"crypto/tls"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/serve"
	"todoku/deadline"
	"todoku/server"
)

// Command is the group of the commands of settings.
func Command(a *cli.App) *cobra.Command {
	return a.Group("config", "Check settings, print those of clients and proxies", "Works with settings without running anything.",
		checkCommand(a), serviceConfigCommand(a), nginxCommand(a), haproxyCommand(a))
}

func checkCommand(a *cli.App) *cobra.Command {
	var o serve.Options
	command := &cobra.Command{
		Use: "check", Short: "Say what \"todoku serve\" would run with, and whether that agrees",
		Long: `Reads flags, environment and file as "todoku serve" does, prints every setting that is
not the default and where it comes from, and checks what can be checked without
running: that settings agree with each other, certificates and keys can be read and
fit, and the data directory can be used. Exit code 2 when the server would refuse
the settings, 1 when it would fail with them.`,
		Example: "  todoku config check --config /etc/todoku.yaml",
		Args:    cobra.NoArgs,
	}
	serve.Define(command, &o)
	command.RunE = func(command *cobra.Command, _ []string) error {
		if err := printChanged(a, command); err != nil {
			return err
		}
		for _, name := range a.UnknownVariables(command) {
			a.Warn("%s sets nothing: there is no such setting", name)
		}
		if err := o.Complete(command.Flags()); err != nil {
			return err
		}
		return checkFiles(a, &o.Config)
	}
	return command
}

func printChanged(a *cli.App, command *cobra.Command) error {
	rows := cli.Changed(command.Flags())
	if len(rows) == 0 {
		return a.Printf("all settings are the defaults\n")
	}
	return cli.WriteTable(a.Out, rows, "SETTING", "VALUE", "FROM")
}

// checkFiles checks the files that the settings name, and prints what is in them.
func checkFiles(a *cli.App, c *server.Config) error {
	facts, err := dataFact(c.Data)
	if c.TLSCert != "" {
		fact, certErr := certificateFact(c, a.Now())
		facts, err = facts+fact, errors.Join(err, certErr)
	}
	if err == nil {
		facts += "the settings agree\n"
	}
	return errors.Join(err, a.Printf("%s", facts))
}

// dataFact says what is in the data directory, and changes nothing there.
func dataFact(data string) (string, error) {
	state, err := server.InspectStorage(data)
	if err != nil {
		return "", fmt.Errorf("data directory: %w", err)
	}
	return "data directory " + data + map[server.StorageState]string{
		server.StorageMissing: " does not exist yet and would be made\n",
		server.StorageEmpty:   " holds no venue yet\n",
		server.StorageInUse:   " is in use by a running server\n",
		server.StorageIdle:    " holds a venue that is not running\n",
	}[state], nil
}

// certificateFact says for which names a certificate is valid and until when.
func certificateFact(c *server.Config, now time.Time) (string, error) {
	pair, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
	if err != nil {
		return "", fmt.Errorf("certificate: %w", err)
	}
	fact := fmt.Sprintf("certificate %s is for %s, until %s\n", c.TLSCert,
		strings.Join(pair.Leaf.DNSNames, " "), pair.Leaf.NotAfter.Local().Format(time.DateTime))
	if now.After(pair.Leaf.NotAfter) {
		return fact, errors.New("the certificate has expired; clients will refuse it")
	}
	return fact, nil
}

func serviceConfigCommand(a *cli.App) *cobra.Command {
	return &cobra.Command{
		Use: "service-config", Short: "Print deadlines and retries for gRPC clients in any language",
		Long: `Prints a gRPC service config in JSON: for every method of the API how long a call may
take and whether it is sent again, with a throttle for a venue that is down. A client
hands it to its gRPC library and needs no table of its own:

  Go       grpc.WithDefaultServiceConfig(text)
  Node.js  { 'grpc.service_config': text }, an option of the channel
  Python   [("grpc.service_config", text)], options of the channel

A timeout in it is the most that a call gets: of it and the caller's own deadline,
gRPC takes the shorter. FeedNotification has none and is not sent again: a deadline
would cut it, and it is resumed from its cursor instead. The Go client of the project
has the same policy built in. docs/timeouts.md gives the reasons.`,
		Example: "  todoku config service-config > service-config.json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			return a.Printf("%s\n", deadline.ServiceConfig())
		},
	}
}
