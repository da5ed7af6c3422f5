// Package session connects commands to a venue as a user: settings of the connection,
// sign-in and sign-out, sessions that are kept from command to command, and shell
// completion of what the venue knows.
package session

import (
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"todoku/client"
	"todoku/cmd/todoku/cli"
)

// Within these times a client finds a dead path.
const (
	ClientKeepaliveTime    = 20 * time.Second
	clientKeepaliveTimeout = 10 * time.Second
)

// Session is the venue's address, how to reach it, and as which user. Every command that
// needs a venue has its settings.
type Session struct {
	*cli.App
	// Server is host:port of the venue's gRPC port.
	Server string
	// User is the user to act as; the user who signed in last when empty.
	User string

	tlsCA, tlsCert, tlsKey, tlsServerName string
	plaintext, plaintextSet               bool // plaintextSet: the user gave --plaintext
	keepaliveTime, keepaliveTimeout       time.Duration
}

// New returns the session of a process.
func New(a *cli.App) *Session { return &Session{App: a} }

// Command gives a command the settings of a client and runs it with them checked. In a
// command that has its own --user, the flag of who to be is --as.
func (s *Session) Command(command *cobra.Command, run func(context.Context, []string) error) *cobra.Command {
	filters := command.Flags().Lookup("user") != nil
	cli.AddSettings(command, "Connection", func(flags *pflag.FlagSet) {
		flags.StringVar(&s.Server, "server", "127.0.0.1:7443", "host:port of the venue's gRPC port")
		name := "user"
		if filters {
			name = "as" // --user is what the command is about.
		}
		flags.StringVar(&s.User, name, "", "who to be; the user who signed in last when empty")
		flags.StringVar(&s.tlsCA, "tls-ca", "", "PEM file of the CA that signed the venue's certificate; the system's CAs when empty")
		flags.StringVar(&s.tlsCert, "tls-cert", "", "PEM file of a client certificate, with --tls-key")
		flags.StringVar(&s.tlsKey, "tls-key", "", "PEM file of the client certificate's key")
		flags.StringVar(&s.tlsServerName, "tls-server-name", "", "name to expect in the venue's certificate instead of --server's")
		flags.BoolVar(&s.plaintext, "plaintext", false, "no TLS; the default for loopback addresses")
		flags.DurationVar(&s.keepaliveTime, "client-keepalive-time", ClientKeepaliveTime, "send the venue a PING after this time without traffic")
		flags.DurationVar(&s.keepaliveTimeout, "client-keepalive-timeout", clientKeepaliveTimeout, "close the connection when a PING is not answered within this time")
	})
	if filters {
		cli.NameSetting(command, "as", "user")
	}
	command.RunE = func(command *cobra.Command, args []string) error {
		if err := s.check(command); err != nil {
			return err
		}
		return run(command.Context(), args)
	}
	return command
}

// Run is Command for a command that needs a signed-in user. It gets --json.
func (s *Session) Run(command *cobra.Command, run func(context.Context, *Venue, []string) error) *cobra.Command {
	s.JSONFlag(command)
	return s.Command(command, func(ctx context.Context, args []string) error {
		return s.WithVenue(ctx, func(venue *Venue) error { return run(ctx, venue, args) })
	})
}

// check refuses settings that are invalid or contradict each other.
func (s *Session) check(command *cobra.Command) error {
	s.plaintextSet = command.Flags().Changed("plaintext")
	switch {
	case (s.tlsCert == "") != (s.tlsKey == ""):
		return cli.Usagef("--tls-cert and --tls-key belong together; give both or neither")
	case s.keepaliveTime < clientKeepaliveTimeout:
		// grpc-go raises a shorter time to this value without reporting it (A8).
		return cli.Usagef("invalid --client-keepalive-time %s: the minimum is %s", s.keepaliveTime, clientKeepaliveTimeout)
	case s.keepaliveTimeout <= 0:
		return cli.Usagef("invalid --client-keepalive-timeout %s: it must be greater than zero", s.keepaliveTimeout)
	}
	return s.SetServer(s.Server)
}

// SetServer sets the venue's address, and plaintext for this machine.
func (s *Session) SetServer(server string) error {
	host, _, err := net.SplitHostPort(server)
	if err != nil {
		return cli.Usagef("invalid --server %q: write host:port, such as 127.0.0.1:7443", server)
	}
	s.Server = server
	withTLS := s.tlsCA != "" || s.tlsCert != "" || s.tlsServerName != ""
	if s.plaintextSet && s.plaintext && withTLS {
		return cli.Usagef("--plaintext contradicts --tls-…; leave out one of them")
	}
	if !s.plaintextSet {
		s.plaintext = !withTLS && IsLoopback(host)
	}
	return nil
}

// IsLoopback reports whether a host is this machine, without a lookup of names.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Config returns the venue's address, and the certificates to verify it and to present.
func (s *Session) Config() (client.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: s.tlsServerName}
	if s.tlsCA != "" {
		pem, err := os.ReadFile(s.tlsCA)
		if err != nil {
			return client.Config{}, fmt.Errorf("--tls-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return client.Config{}, fmt.Errorf("--tls-ca: %s holds no certificate in PEM", s.tlsCA)
		}
	}
	if s.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(s.tlsCert, s.tlsKey)
		if err != nil {
			return client.Config{}, fmt.Errorf("--tls-cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return client.Config{Address: s.Server, TLS: config, Plaintext: s.plaintext}, nil
}

// Password returns the password in the environment, or "".
func (s *Session) Password() string {
	password, _ := s.LookupEnv("TODOKU_PASSWORD")
	return password
}

// OrNewID returns the id of a request, or a new one for "".
func OrNewID(id string) string { return cmp.Or(id, client.NewRequestID()) }

// LoginCommand signs in.
func (s *Session) LoginCommand() *cobra.Command {
	var file string
	command := &cobra.Command{
		Use: "login [NAME]", Short: "Sign in and keep the session",
		Long: `Signs in and keeps the session for the commands that follow, in a file that only
you can read. The password is asked for without showing it, or comes from
--password-file or TODOKU_PASSWORD; there is no flag for it.

With TODOKU_USER and TODOKU_PASSWORD set, every command signs in by itself.`,
		Example: "  todoku login alice\n  todoku login alice --server venue.example:7443 --password-file ~/.todoku-password",
		Args:    cobra.MaximumNArgs(1),
	}
	command.Flags().StringVar(&file, "password-file", "", "file whose first line is the password")
	return s.Command(command, func(ctx context.Context, args []string) error {
		if len(args) == 1 {
			s.User = args[0]
		}
		return s.login(ctx, file)
	})
}

func (s *Session) login(ctx context.Context, file string) (err error) {
	if s.User == "" {
		if s.User, err = s.askName(); err != nil {
			return err
		}
	}
	password, err := s.ReadPassword(ctx, PasswordSource{File: file, Variable: "TODOKU_PASSWORD", Prompt: "Password: "})
	if err != nil {
		return err
	}
	return s.Dial(func(venue *Venue) error {
		if venue.store.missing != nil {
			return fmt.Errorf("%w, or set TODOKU_USER and TODOKU_PASSWORD, with which every command signs in by itself", venue.store.missing)
		}
		if err := venue.Login(ctx, s.User, password); err != nil {
			return err
		}
		if err := venue.store.makeCurrent(s.User); err != nil {
			return err
		}
		return s.Printf("signed in to %s as %s\n", s.Server, s.User)
	})
}

// LogoutCommand signs out.
func (s *Session) LogoutCommand() *cobra.Command {
	return s.Command(&cobra.Command{
		Use: "logout", Short: "End the session and forget it",
		Long:    "Ends the kept session at the venue, and with it its streams, and forgets it here.",
		Example: "  todoku logout\n  todoku logout --user bob",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, _ []string) error {
		return s.Dial(func(venue *Venue) error {
			session, err := venue.store.load(s.User)
			if err != nil {
				return err
			}
			if session.User == "" {
				return s.notSignedIn()
			}
			venue.Restore(session)
			// A session that the venue no longer knows has ended already.
			if err := venue.Logout(ctx); err != nil && !unauthenticated(errors.Unwrap(err)) {
				return err
			}
			if err := venue.store.remove(session.User); err != nil {
				return err
			}
			return s.Printf("signed out of %s as %s\n", s.Server, session.User)
		})
	})
}

// notSignedIn says what to do without a session.
func (s *Session) notSignedIn() error {
	as := ""
	if s.User != "" {
		as = " as " + s.User
	}
	return fmt.Errorf("not signed in to %s%s: run \"todoku login\", or set TODOKU_USER and TODOKU_PASSWORD", s.Server, as)
}
