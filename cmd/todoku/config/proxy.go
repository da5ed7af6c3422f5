package config

import (
	"cmp"
	"embed"
	"fmt"
	"net"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/serve"
	"todoku/server"
)

// With its default settings a proxy cuts quiet streams, hides dead clients and ends
// all streams at a reload. The right settings follow from those of the venue, so these
// commands print them; docs/disconnects.md gives the reasons.

// Timers of a proxy if the operator gives none.
const (
	proxyIdle     = 90 * time.Second
	proxyHardStop = 40 * time.Minute
)

//go:embed *.tmpl
var templateFiles embed.FS

// proxy holds what the templates print: its fields and methods.
type proxy struct {
	serve.Options
	Listen, Certificate, Key        string
	Backend, BackendName, BackendCA string
}

// proxyCommand completes the command of a proxy, which prints the template of the same
// name. withKey says that the proxy reads the key of its certificate from a second file.
func proxyCommand(a *cli.App, command *cobra.Command, withKey bool) *cobra.Command {
	p := &proxy{}
	command.Args = cobra.NoArgs
	flags := command.Flags()
	flags.StringVar(&p.Listen, "listen", ":443", "host:port where the proxy listens")
	if withKey {
		flags.StringVar(&p.Certificate, "certificate", "", "PEM file of the certificate that clients see, with --key; plaintext without one")
		flags.StringVar(&p.Key, "key", "", "PEM file of its key")
	} else {
		flags.StringVar(&p.Certificate, "certificate", "", "PEM file of the certificate that clients see, with its key, or with the key in a file of the same name and .key; plaintext without one")
	}
	flags.StringVar(&p.Backend, "backend", "", "host:port where the proxy reaches the venue; --grpc-addr when empty")
	flags.StringVar(&p.BackendName, "backend-name", "", "name in the venue's own certificate; --backend's host when empty")
	flags.StringVar(&p.BackendCA, "backend-ca", "/etc/ssl/certs/ca-certificates.crt", "PEM file of the CA that signed the venue's own certificate")
	serve.Define(command, &p.Options)
	command.RunE = func(command *cobra.Command, _ []string) error {
		setTimers(&p.Config)
		if err := p.Complete(command.Flags()); err != nil {
			return err
		}
		if withKey && (p.Certificate == "") != (p.Key == "") {
			return cli.Usagef("--certificate and --key belong together; give both or neither")
		}
		if err := p.check(); err != nil {
			return err
		}
		templates := template.Must(template.ParseFS(templateFiles, "*.tmpl"))
		return templates.ExecuteTemplate(a.Out, command.Name()+".tmpl", p)
	}
	return command
}

// setTimers sets the timers that no flag gives to values that suit the venue. There is no
// hard stop if streams have no maximum age.
func setTimers(c *server.Config) {
	c.Proxy.Idle = cmp.Or(c.Proxy.Idle, proxyIdle)
	if longest := c.LongestStream(); c.Proxy.HardStop == 0 && longest > 0 {
		const step = 5 * time.Minute
		c.Proxy.HardStop = max(proxyHardStop, longest.Truncate(step)+step)
	}
}

// check checks the proxy's own flags and completes addresses.
func (p *proxy) check() error {
	p.Backend = cmp.Or(p.Backend, p.Config.GRPCAddr)
	host, port, err := net.SplitHostPort(p.Backend)
	if err != nil || port == "0" {
		return cli.Usagef("invalid --backend %q: write host:port, such as 127.0.0.1:7443", p.Backend)
	}
	if host == "" { // The venue listens on all addresses; the proxy needs one.
		host = "127.0.0.1"
		p.Backend = net.JoinHostPort(host, port)
	}
	p.BackendName = cmp.Or(p.BackendName, host)
	host, port, err = net.SplitHostPort(p.Listen)
	if err != nil {
		return cli.Usagef("invalid --listen %q: write host:port, such as :443", p.Listen)
	}
	if host == "" {
		p.Listen = "*:" + port
	}
	for _, value := range []string{p.Listen, p.Certificate, p.Key, p.Backend, p.BackendName, p.BackendCA} {
		if strings.ContainsAny(value, " \t\r\n;{}'\"#\\") {
			return cli.Usagef("%q has characters with a meaning in the proxy's language; use another name", value)
		}
	}
	return nil
}

// Idle returns after which time without traffic the proxy ends a stream.
func (p *proxy) Idle() string { return proxyTime(p.Config.Proxy.Idle) }

// HardStop returns how long the proxy keeps streams after a reload; empty for no limit.
func (p *proxy) HardStop() string {
	if p.Config.Proxy.HardStop <= 0 {
		return ""
	}
	return proxyTime(p.Config.Proxy.HardStop)
}

// proxyTime writes a time as both proxies read it.
func proxyTime(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d/time.Millisecond)
}

func nginxCommand(a *cli.App) *cobra.Command {
	return proxyCommand(a, &cobra.Command{
		Use: "nginx", Short: "Print a configuration of nginx that suits the venue's settings",
		Long: `Prints a whole configuration of nginx (1.22 or newer) that serves a venue's gRPC port:
idle timers that heartbeats outlive, a reload that cuts no stream, and a venue that is
used again at once after a restart. It takes the flags, environment and file of "todoku
serve", and refuses what contradicts them. nginx sees neither that a client died nor
that its path did: the venue does, by --ack-timeout.`,
		Example: "  todoku config nginx --config /etc/todoku.yaml --certificate /etc/ssl/venue.pem --key /etc/ssl/venue.key",
	}, true)
}

func haproxyCommand(a *cli.App) *cobra.Command {
	return proxyCommand(a, &cobra.Command{
		Use: "haproxy", Short: "Print a configuration of HAProxy that suits the venue's settings",
		Long: `Prints a whole configuration of HAProxy (2.6 or newer) that serves a venue's gRPC port:
idle timers that heartbeats outlive, a reload that cuts no stream, and clients that
went away reported at once. It takes the flags, environment and file of "todoku serve",
and refuses what contradicts them.`,
		Example: "  todoku config haproxy --config /etc/todoku.yaml --certificate /etc/ssl/venue.pem",
	}, false)
}
