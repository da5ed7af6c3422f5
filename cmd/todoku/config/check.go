// Package config has the commands that check the settings of a server and print those of
// clients and proxies. They run nothing.
package config

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/serve"
	"todoku/server"
)

func Command(a *cli.App) *cobra.Command {
	return a.Group("config", "Check settings, print those of clients and proxies", "Works with settings without running anything.",
		configCheckCommand(a), configServiceConfigCommand(a), configNginxCommand(a), configHAProxyCommand(a))
}

func configCheckCommand(a *cli.App) *cobra.Command {
	var o serve.ServeOptions
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
	serve.DefineServe(command, &o)
	command.RunE = func(command *cobra.Command, _ []string) error {
		if err := printSettings(a, command.Flags()); err != nil {
			return err
		}
		for _, name := range unknownVariables(a, command) {
			a.Warn("%s sets nothing: there is no such setting", name)
		}
		if err := o.Complete(command.Flags()); err != nil {
			return err
		}
		return checkPlaces(a, &o)
	}
	return command
}

// printSettings prints what is not the default.
func printSettings(a *cli.App, flags *pflag.FlagSet) error {
	var rows [][]string
	flags.VisitAll(func(f *pflag.Flag) {
		if cli.HeadingOf(f) != "" && f.Changed {
			rows = append(rows, []string{f.Name, f.Value.String(), cli.OriginOf(f)})
		}
	})
	if len(rows) == 0 {
		return a.Printf("all settings are the defaults\n")
	}
	return cli.WriteTable(a.Out, cli.Left("SETTING", "VALUE", "FROM"), rows)
}

// unknownVariables returns the TODOKU_ variables that set nothing.
func unknownVariables(a *cli.App, command *cobra.Command) []string {
	known := map[string]bool{"TODOKU_PASSWORD": true, "TODOKU_NEW_PASSWORD": true, "TODOKU_CONFIG": true}
	for _, name := range cli.KnownSettings(command.Root()) {
		known[cli.EnvironmentName(name)] = true
	}
	var unknown []string
	for _, entry := range a.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "TODOKU_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// checkPlaces looks at the files that the settings name.
func checkPlaces(a *cli.App, o *serve.ServeOptions) error {
	facts, err := dataFacts(a, o.Config.Data)
	errs := []error{err}
	if o.Config.TLSCert != "" {
		fact, err := certificateFact(a, o.Config.TLSCert)
		facts, errs = append(facts, fact), append(errs, err)
	}
	for _, fact := range facts {
		if fact == "" {
			continue
		}
		if err := a.Printf("%s\n", fact); err != nil {
			return err
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return a.Printf("the settings agree\n")
}

// dataFacts says what is in the data directory, and changes nothing there.
func dataFacts(_ *cli.App, data string) ([]string, error) {
	state, err := server.InspectStorage(data)
	if err != nil {
		return nil, fmt.Errorf("data directory: %w", err)
	}
	return []string{"data directory " + data + map[server.StorageState]string{
		server.StorageMissing: " does not exist yet and would be made",
		server.StorageEmpty:   " holds no venue yet",
		server.StorageInUse:   " is in use by a running server",
		server.StorageIdle:    " holds a venue that is not running",
	}[state]}, nil
}

// certificateFact says whom a certificate is for and until when.
func certificateFact(a *cli.App, name string) (string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("certificate: %w", err)
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return "", fmt.Errorf("certificate: %s is not PEM", name)
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return "", fmt.Errorf("certificate: %s: %w", name, err)
	}
	fact := fmt.Sprintf("certificate %s is for %s, until %s", name,
		strings.Join(certificate.DNSNames, " "), certificate.NotAfter.Local().Format(time.DateTime))
	if a.Now().After(certificate.NotAfter) {
		return fact, errors.New("the certificate has ended; clients will refuse it")
	}
	return fact, nil
}
