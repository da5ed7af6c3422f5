// Package session connects commands to a venue as a user: settings of the connection,
// sign-in and sign-out, sessions that are kept from command to command, and shell
// completion of what the venue knows.
package session

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	"todoku/client"
	"todoku/cmd/todoku/cli"
)

// How long a client looks for a dead path on the feed's connection.
const (
	ClientKeepaliveTime    = 20 * time.Second
	clientKeepaliveTimeout = 10 * time.Second
)

// Connection says where the venue is, how to reach it, and as whom.
type Connection struct {
	Server        string
	User          string
	tlsCA         string
	tlsCert       string
	tlsKey        string
	tlsServerName string
	Plaintext     bool
	plaintextSet  bool // plaintext was said, not guessed from the address

	keepaliveTime, keepaliveTimeout time.Duration
}

// ClientCommand gives a command the settings of a client and runs it with them
// checked.
func ClientCommand(a *cli.App, command *cobra.Command, run func(context.Context, *Connection, []string) error) *cobra.Command {
	defineConnection(command)
	command.RunE = func(command *cobra.Command, args []string) error {
		c, err := connectionOf(command)
		if err != nil {
			return err
		}
		return run(command.Context(), c, args)
	}
	return command
}

func defineConnection(command *cobra.Command) {
	cli.AddSettings(command, "Connection", func(flags *pflag.FlagSet) {
		flags.String("server", "127.0.0.1:7443", "host:port of the venue's gRPC port")
		flags.String("user", "", "who to be; the latest that signed in when empty")
		flags.String("tls-ca", "", "PEM file that vouches for the venue; the system's when empty")
		flags.String("tls-cert", "", "PEM file of a client certificate, with --tls-key")
		flags.String("tls-key", "", "PEM file of the client certificate's key")
		flags.String("tls-server-name", "", "name to expect in the venue's certificate instead of --server's")
		flags.Bool("plaintext", false, "no TLS; so by itself on loopback addresses")
		flags.Duration("client-keepalive-time", ClientKeepaliveTime, "PING the venue after so long without traffic")
		flags.Duration("client-keepalive-timeout", clientKeepaliveTimeout, "give the connection up when a PING is not answered for so long")
	})
}

// connectionOf reads and checks the settings that defineConnection defined.
func connectionOf(command *cobra.Command) (*Connection, error) {
	flags := command.Flags()
	var errs []error
	text := func(name string) string {
		value, err := flags.GetString(name)
		errs = append(errs, err)
		return value
	}
	duration := func(name string) time.Duration {
		value, err := flags.GetDuration(name)
		errs = append(errs, err)
		return value
	}
	c := &Connection{
		Server: text("server"), User: text("user"),
		tlsCA: text("tls-ca"), tlsCert: text("tls-cert"), tlsKey: text("tls-key"), tlsServerName: text("tls-server-name"),
		plaintextSet:  flags.Changed("plaintext"),
		keepaliveTime: duration("client-keepalive-time"), keepaliveTimeout: duration("client-keepalive-timeout"),
	}
	var err error
	c.Plaintext, err = flags.GetBool("plaintext")
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return c, c.Validate()
}

// Validate refuses settings that are wrong or contradict each other.
func (c *Connection) Validate() error {
	host, _, err := net.SplitHostPort(c.Server)
	if err != nil {
		return cli.Usagef("--server %q is not host:port, such as 127.0.0.1:7443", c.Server)
	}
	withTLS := c.tlsCA != "" || c.tlsCert != "" || c.tlsKey != "" || c.tlsServerName != ""
	switch {
	case c.plaintextSet && c.Plaintext && withTLS:
		return cli.Usagef("--plaintext and --tls-… contradict each other")
	case (c.tlsCert == "") != (c.tlsKey == ""):
		return cli.Usagef("--tls-cert and --tls-key go together")
	case c.keepaliveTime < clientKeepaliveTimeout:
		// grpc-go raises anything shorter to this without a word (A8).
		return cli.Usagef("--client-keepalive-time is at least %s", clientKeepaliveTimeout)
	case c.keepaliveTimeout <= 0:
		return cli.Usagef("--client-keepalive-timeout is greater than zero")
	}
	if !c.plaintextSet {
		c.Plaintext = !withTLS && IsLoopback(host)
	}
	return nil
}

// IsLoopback says whether a host is this machine without asking anybody.
func IsLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Tls returns how to verify the venue and how to identify oneself.
func (c *Connection) Tls() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: c.tlsServerName}
	if c.tlsCA != "" {
		pem, err := os.ReadFile(c.tlsCA)
		if err != nil {
			return nil, fmt.Errorf("--tls-ca: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("--tls-ca: %s holds no certificate in PEM", c.tlsCA)
		}
	}
	if c.tlsCert != "" {
		pair, err := tls.LoadX509KeyPair(c.tlsCert, c.tlsKey)
		if err != nil {
			return nil, fmt.Errorf("--tls-cert: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}

// Dial prepares a client that nobody has signed in with yet.
func Dial(a *cli.App, c *Connection, keeper *keeper, settler *Settler) (*client.Client, error) {
	tlsConfig, err := c.Tls()
	if err != nil {
		return nil, err
	}
	dialed, err := client.Dial(client.Config{
		Address: c.Server, TLS: tlsConfig, Plaintext: c.Plaintext,
		ClientName:    clientName(),
		KeepaliveTime: c.keepaliveTime, KeepaliveTimeout: c.keepaliveTimeout,
		OnSession:   keeper.keep,
		DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(keeper.intercept, settler.note)},
	})
	if err != nil {
		return nil, cli.Usagef("--server %q: %w", c.Server, err)
	}
	keeper.client = dialed
	return dialed, nil
}

// clientName is what people see in lists of sessions.
func clientName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	return fmt.Sprintf("todoku %s on %s (%s)", cli.Version(), host, runtime.GOOS)
}

// Venue is a client with a session.
type Venue struct {
	*client.Client
	Keeper *keeper
}

// WithClient runs do as the user of the kept session or, where there is none, as
// the one that TODOKU_USER and TODOKU_PASSWORD sign in.
func WithClient(ctx context.Context, a *cli.App, c *Connection, do func(*Venue) error) (err error) {
	keeper, err := NewKeeper(a, c)
	if err != nil {
		return err
	}
	settler := &Settler{}
	dialed, err := Dial(a, c, keeper, settler)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dialed.Close()) }()
	if err := keeper.Begin(ctx); err != nil {
		return err
	}
	err = do(&Venue{dialed, keeper})
	settler.settle(ctx, dialed)
	return err
}

// Password returns the one that the environment gives, if any.
func Password(a *cli.App) string {
	password, _ := a.LookupEnv("TODOKU_PASSWORD")
	return password
}

// notSignedIn says what to do without a session.
func notSignedIn(c *Connection) error {
	who := ""
	if c.User != "" {
		who = " as " + c.User
	}
	return fmt.Errorf("not signed in to %s%s: run \"todoku login\", or set TODOKU_USER and TODOKU_PASSWORD", c.Server, who)
}

func OrNewID(id string) string {
	if id == "" {
		return client.NewRequestID()
	}
	return id
}
