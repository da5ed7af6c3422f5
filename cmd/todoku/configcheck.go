package main

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/sqlite"
)

func (a *app) configCommand() *cobra.Command {
	return a.group("config", "Check settings, print those of clients and proxies", "Works with settings without running anything.",
		a.configCheckCommand(), a.configServiceConfigCommand(), a.configNginxCommand(), a.configHAProxyCommand())
}

func (a *app) configCheckCommand() *cobra.Command {
	var o serveOptions
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
	defineServe(command, &o)
	command.RunE = func(command *cobra.Command, _ []string) error {
		if err := a.printSettings(command.Flags()); err != nil {
			return err
		}
		for _, name := range a.unknownVariables(command) {
			a.warn("%s sets nothing: there is no such setting", name)
		}
		if err := o.complete(command.Flags()); err != nil {
			return err
		}
		return a.checkPlaces(&o)
	}
	return command
}

// printSettings prints what is not the default.
func (a *app) printSettings(flags *pflag.FlagSet) error {
	var rows [][]string
	flags.VisitAll(func(f *pflag.Flag) {
		if headingOf(f) != "" && f.Changed {
			rows = append(rows, []string{f.Name, f.Value.String(), originOf(f)})
		}
	})
	if len(rows) == 0 {
		return a.printf("all settings are the defaults\n")
	}
	return writeTable(a.out, left("SETTING", "VALUE", "FROM"), rows)
}

// unknownVariables returns the TODOKU_ variables that set nothing.
func (a *app) unknownVariables(command *cobra.Command) []string {
	known := map[string]bool{"TODOKU_PASSWORD": true, "TODOKU_NEW_PASSWORD": true, "TODOKU_CONFIG": true}
	for _, name := range knownSettings(command.Root()) {
		known[environmentName(name)] = true
	}
	var unknown []string
	for _, entry := range a.environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "TODOKU_") && !known[name] {
			unknown = append(unknown, name)
		}
	}
	return unknown
}

// checkPlaces looks at the files that the settings name.
func (a *app) checkPlaces(o *serveOptions) error {
	facts, err := a.dataFacts(o.config.Data)
	errs := []error{err}
	if o.config.TLSCert != "" {
		fact, err := a.certificateFact(o.config.TLSCert)
		facts, errs = append(facts, fact), append(errs, err)
	}
	for _, fact := range facts {
		if fact == "" {
			continue
		}
		if err := a.printf("%s\n", fact); err != nil {
			return err
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	return a.printf("the settings agree\n")
}

// dataFacts says what is in the data directory, and changes nothing there.
func (a *app) dataFacts(dir string) ([]string, error) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return []string{"data directory " + dir + " is not there yet and would be made"}, nil
	case err != nil:
		return nil, fmt.Errorf("data directory: %w", err)
	case !info.IsDir():
		return nil, fmt.Errorf("data directory %s is a file", dir)
	}
	if _, err := os.Stat(filepath.Join(dir, "journal.db")); errors.Is(err, fs.ErrNotExist) {
		return []string{"data directory " + dir + " holds no venue yet"}, nil
	}
	release, err := sqlite.Lock(dir)
	if errors.Is(err, sqlite.ErrLocked) {
		return []string{"data directory " + dir + " is in use by a running server"}, nil
	}
	if err != nil {
		return nil, err
	}
	release()
	return []string{"data directory " + dir + " holds a venue that is not running"}, nil
}

// certificateFact says whom a certificate is for and until when.
func (a *app) certificateFact(name string) (string, error) {
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
	if a.now().After(certificate.NotAfter) {
		return fact, errors.New("the certificate has ended; clients will refuse it")
	}
	return fact, nil
}
