package config

import (
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
// all streams at a reload. What a venue needs of it follows from the venue's own
// settings, so this prints it; docs/disconnects.md gives the reasons.

// Timers of a proxy when the operator gives none.
const (
	proxyIdle     = 90 * time.Second
	proxyHardStop = 40 * time.Minute
)

// proxy is what a proxy's configuration is made of, beside the venue's settings. Its
// methods and fields are what the templates print.
type proxy struct {
	serve.Options
	Listen, Certificate, Key        string
	Backend, BackendName, BackendCA string
}

// command completes the command of a proxy. withKey says that the proxy reads the key of
// its certificate from a file of its own.
func (p *proxy) command(a *cli.App, command *cobra.Command, withKey bool, text string) *cobra.Command {
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
		stateProxy(&p.Config)
		if err := p.Complete(command.Flags()); err != nil {
			return err
		}
		if withKey && (p.Certificate == "") != (p.Key == "") {
			return cli.Usagef("--certificate and --key belong together; give both or neither")
		}
		if err := p.check(); err != nil {
			return err
		}
		var out strings.Builder
		if err := template.Must(template.New("").Parse(text)).Execute(&out, p); err != nil {
			return err
		}
		return a.Printf("%s", out.String())
	}
	return command
}

// stateProxy sets the proxy's timers that are not given to values that suit the venue.
// Where streams have no age there is no hard stop.
func stateProxy(c *server.Config) {
	p := &c.Proxy
	if p.Idle == 0 {
		p.Idle = proxyIdle
	}
	if longest := c.LongestStream(); p.HardStop == 0 && longest > 0 {
		const step = 5 * time.Minute
		p.HardStop = max(proxyHardStop, longest.Truncate(step)+step)
	}
}

// check checks the proxy's own flags and completes addresses.
func (p *proxy) check() error {
	if p.Backend == "" {
		p.Backend = p.Config.GRPCAddr
	}
	host, port, err := net.SplitHostPort(p.Backend)
	if err != nil || port == "0" {
		return cli.Usagef("invalid --backend %q: write host:port, such as 127.0.0.1:7443", p.Backend)
	}
	if host == "" { // The venue listens on all addresses; the proxy needs one.
		host = "127.0.0.1"
		p.Backend = net.JoinHostPort(host, port)
	}
	if p.BackendName == "" {
		p.BackendName = host
	}
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

// Idle is after how long without traffic the proxy ends a stream.
func (p *proxy) Idle() string { return proxyTime(p.Config.Proxy.Idle) }

// HardStop is how long the proxy keeps streams after a reload; empty for no limit.
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
	return new(proxy).command(a, &cobra.Command{
		Use: "nginx", Short: "Print a configuration of nginx that suits the venue's settings",
		Long: `Prints a whole configuration of nginx (1.22 or newer) that serves a venue's gRPC port:
idle timers that heartbeats outlive, a reload that cuts no stream, and a venue that is
used again at once after a restart. It takes the flags, environment and file of "todoku
serve", and refuses what contradicts them. nginx sees neither that a client died nor
that its path did: the venue does, by --ack-timeout.`,
		Example: "  todoku config nginx --config /etc/todoku.yaml --certificate /etc/ssl/venue.pem --key /etc/ssl/venue.key",
	}, true, nginxTemplate)
}

func haproxyCommand(a *cli.App) *cobra.Command {
	return new(proxy).command(a, &cobra.Command{
		Use: "haproxy", Short: "Print a configuration of HAProxy that suits the venue's settings",
		Long: `Prints a whole configuration of HAProxy (2.6 or newer) that serves a venue's gRPC port:
idle timers that heartbeats outlive, a reload that cuts no stream, and clients that
went away reported at once. It takes the flags, environment and file of "todoku serve",
and refuses what contradicts them.`,
		Example: "  todoku config haproxy --config /etc/todoku.yaml --certificate /etc/ssl/venue.pem",
	}, false, haproxyTemplate)
}

const nginxTemplate = `# nginx before a Todoku venue, from "todoku config nginx".
# The times follow from the venue's settings: print it again when those change.
worker_processes auto;
worker_rlimit_nofile 65536;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
{{- if .HardStop}}
# Old workers keep their streams after a reload. The longest lives for {{.Config.LongestStream}}.
worker_shutdown_timeout {{.HardStop}};
{{- else}}
# No worker_shutdown_timeout: the venue's streams have no age, and a reload would cut them.
{{- end}}

events {
	worker_connections 32768; # Each stream takes two: the client's and the venue's.
}

http {
	access_log /var/log/nginx/access.log;

	upstream venue {
		# With max_fails a venue that came back would get one stream at a time.
		server {{.Backend}} max_fails=0;
		keepalive 64; # For requests; each stream has a connection of its own.
	}

	server {
		# TCP keepalive finds clients that vanished while nothing is sent to them. PINGs
		# do not reach the venue: nginx answers them.
		listen {{.Listen}}{{if .Certificate}} ssl{{end}} http2 so_keepalive=30s:10s:3;
		{{- if .Certificate}}
		ssl_certificate {{.Certificate}};
		ssl_certificate_key {{.Key}};
		ssl_protocols TLSv1.2 TLSv1.3;
		{{- else}}
		# Plaintext: give --certificate and --key where clients come from other machines.
		{{- end}}

		# Larger than the venue's own limit, so that the venue refuses with a reason.
		client_max_body_size 4m;
		# Of silence. A heartbeat comes every {{.Config.Push.HeartbeatInterval}}; hours would hide a dead venue.
		grpc_read_timeout {{.Idle}};
		grpc_send_timeout {{.Idle}};
		client_body_timeout {{.Idle}};
		grpc_socket_keepalive on;

		location / {
			{{- if .Config.TLSCert}}
			grpc_pass grpcs://venue;
			grpc_ssl_name {{.BackendName}};
			grpc_ssl_server_name on;
			grpc_ssl_verify on;
			grpc_ssl_trusted_certificate {{.BackendCA}};
			{{- if .Config.TLSClientCA}}
			# The venue asks for a certificate, and sees nginx's instead of its clients':
			# set grpc_ssl_certificate and grpc_ssl_certificate_key.
			{{- end}}
			{{- else}}
			grpc_pass grpc://venue;
			{{- end}}
		}
	}
}
` + addressNote

// addressNote ends both: the venue sees the proxy's address for every client, so limits
// on addresses would limit all clients together.
const addressNote = `# The venue takes this proxy's address for that of every client: run it with
# --connections-per-address=-1 --streams-per-address=-1 --address-attach-rate=off
# --address-sign-in-rate=off --address-sign-in-share=-1 --lockout-address-after=-1
`

const haproxyTemplate = `# HAProxy before a Todoku venue, from "todoku config haproxy".
# The times follow from the venue's settings: print it again when those change.
global
	log /dev/log local0
{{- if .HardStop}}
	# Old processes keep their streams after a reload. The longest lives for {{.Config.LongestStream}}.
	hard-stop-after {{.HardStop}}
{{- else}}
	# No hard-stop-after: the venue's streams have no age, and a reload would cut them.
{{- end}}

defaults
	mode http
	log global
	option httplog
	timeout connect 5s
	# Of silence. A heartbeat comes every {{.Config.Push.HeartbeatInterval}}; hours would hide a dead venue.
	# timeout tunnel does not apply to streams of HTTP/2.
	timeout client {{.Idle}}
	timeout server {{.Idle}}
	# Without it HAProxy does not report a client that went away.
	option abortonclose
	# Finds clients that vanished while nothing is sent to them. PINGs do not reach the
	# venue: HAProxy answers them.
	option clitcpka
	clitcpka-idle 30s
	clitcpka-intvl 10s
	clitcpka-cnt 3

frontend clients
	# tcp-ut finds those that vanished while something was being sent.
{{- if .Certificate}}
	# The key is read from the same file, or from {{.Certificate}}.key.
	bind {{.Listen}} ssl crt {{.Certificate}} alpn h2 ssl-min-ver TLSv1.2 tcp-ut 30s
{{- else}}
	# Plaintext: give --certificate where clients come from other machines.
	bind {{.Listen}} proto h2 tcp-ut 30s
{{- end}}
	default_backend venue

backend venue
	# No check: there is one venue, and while it stops it still answers with a reason.
{{- if .Config.TLSCert}}
{{- if .Config.TLSClientCA}}
	# The venue asks for a certificate, and sees this proxy's instead of its clients':
	# add crt.
{{- end}}
	server venue {{.Backend}} alpn h2 ssl verify required ca-file {{.BackendCA}} verifyhost {{.BackendName}} sni str({{.BackendName}})
{{- else}}
	server venue {{.Backend}} proto h2
{{- end}}
` + addressNote
