package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"google.golang.org/grpc"

	"todoku/client"
)

// How long a client looks for a dead path on the feed's connection.
const (
	clientKeepaliveTime    = 20 * time.Second
	clientKeepaliveTimeout = 10 * time.Second
)

// connection says where the venue is, how to reach it, and as whom.
type connection struct {
	server        string
	user          string
	tlsCA         string
	tlsCert       string
	tlsKey        string
	tlsServerName string
	plaintext     bool
	plaintextSet  bool // plaintext was said, not guessed from the address

	keepaliveTime, keepaliveTimeout time.Duration
}

// clientCommand gives a command the settings of a client and runs it with them
// checked.
func (a *app) clientCommand(command *cobra.Command, run func(context.Context, *connection, []string) error) *cobra.Command {
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
	addSettings(command, "Connection", func(flags *pflag.FlagSet) {
		flags.String("server", "127.0.0.1:7443", "host:port of the venue's gRPC port")
		flags.String("user", "", "who to be; the latest that signed in when empty")
		flags.String("tls-ca", "", "PEM file that vouches for the venue; the system's when empty")
		flags.String("tls-cert", "", "PEM file of a client certificate, with --tls-key")
		flags.String("tls-key", "", "PEM file of the client certificate's key")
		flags.String("tls-server-name", "", "name to expect in the venue's certificate instead of --server's")
		flags.Bool("plaintext", false, "no TLS; so by itself on loopback addresses")
		flags.Duration("client-keepalive-time", clientKeepaliveTime, "PING the venue after so long without traffic")
		flags.Duration("client-keepalive-timeout", clientKeepaliveTimeout, "give the connection up when a PING is not answered for so long")
	})
}

// connectionOf reads and checks the settings that defineConnection defined.
func connectionOf(command *cobra.Command) (*connection, error) {
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
	c := &connection{
		server: text("server"), user: text("user"),
		tlsCA: text("tls-ca"), tlsCert: text("tls-cert"), tlsKey: text("tls-key"), tlsServerName: text("tls-server-name"),
		plaintextSet:  flags.Changed("plaintext"),
		keepaliveTime: duration("client-keepalive-time"), keepaliveTimeout: duration("client-keepalive-timeout"),
	}
	var err error
	c.plaintext, err = flags.GetBool("plaintext")
	if err := errors.Join(append(errs, err)...); err != nil {
		return nil, err
	}
	return c, c.validate()
}

// validate refuses settings that are wrong or contradict each other.
func (c *connection) validate() error {
	host, _, err := net.SplitHostPort(c.server)
	if err != nil {
		return usagef("--server %q is not host:port, such as 127.0.0.1:7443", c.server)
	}
	withTLS := c.tlsCA != "" || c.tlsCert != "" || c.tlsKey != "" || c.tlsServerName != ""
	switch {
	case c.plaintextSet && c.plaintext && withTLS:
		return usagef("--plaintext and --tls-… contradict each other")
	case (c.tlsCert == "") != (c.tlsKey == ""):
		return usagef("--tls-cert and --tls-key go together")
	case c.keepaliveTime < clientKeepaliveTimeout:
		// grpc-go raises anything shorter to this without a word (A8).
		return usagef("--client-keepalive-time is at least %s", clientKeepaliveTimeout)
	case c.keepaliveTimeout <= 0:
		return usagef("--client-keepalive-timeout is greater than zero")
	}
	if !c.plaintextSet {
		c.plaintext = !withTLS && isLoopback(host)
	}
	return nil
}

// isLoopback says whether a host is this machine without asking anybody.
func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tls returns how to verify the venue and how to identify oneself.
func (c *connection) tls() (*tls.Config, error) {
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

// dial prepares a client that nobody has signed in with yet.
func (a *app) dial(c *connection, keeper *keeper, settler *settler) (*client.Client, error) {
	tlsConfig, err := c.tls()
	if err != nil {
		return nil, err
	}
	dialed, err := client.Dial(client.Config{
		Address: c.server, TLS: tlsConfig, Plaintext: c.plaintext,
		ClientName:    clientName(),
		KeepaliveTime: c.keepaliveTime, KeepaliveTimeout: c.keepaliveTimeout,
		OnSession:   keeper.keep,
		DialOptions: []grpc.DialOption{grpc.WithChainUnaryInterceptor(keeper.intercept, settler.note)},
	})
	if err != nil {
		return nil, usagef("--server %q: %w", c.server, err)
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
	return fmt.Sprintf("todoku %s on %s (%s)", version(), host, runtime.GOOS)
}

// venue is a client with a session.
type venue struct {
	*client.Client
	keeper *keeper
}

// withClient runs do as the user of the kept session or, where there is none, as
// the one that TODOKU_USER and TODOKU_PASSWORD sign in.
func (a *app) withClient(ctx context.Context, c *connection, do func(*venue) error) (err error) {
	keeper, err := a.newKeeper(c)
	if err != nil {
		return err
	}
	settler := &settler{}
	dialed, err := a.dial(c, keeper, settler)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dialed.Close()) }()
	if err := keeper.begin(ctx); err != nil {
		return err
	}
	err = do(&venue{dialed, keeper})
	settler.settle(ctx, dialed)
	return err
}

// password returns the one that the environment gives, if any.
func (a *app) password() string {
	password, _ := a.lookupEnv("TODOKU_PASSWORD")
	return password
}

// notSignedIn says what to do without a session.
func notSignedIn(c *connection) error {
	who := ""
	if c.user != "" {
		who = " as " + c.user
	}
	return fmt.Errorf("not signed in to %s%s: run \"todoku login\", or set TODOKU_USER and TODOKU_PASSWORD", c.server, who)
}

// call runs one request of a signed-in user.
func call[Request, Reply any](ctx context.Context, rpc func(context.Context, Request, ...grpc.CallOption) (Reply, error), request Request, use func(Reply) error) error {
	reply, err := rpc(ctx, request)
	if err != nil {
		return err
	}
	return use(reply)
}

// upper returns a symbol as the venue writes it.
func upper(symbol string) string { return strings.ToUpper(symbol) }
