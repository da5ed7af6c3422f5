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

// A proxy in its delivered state cuts quiet streams, hides dead clients and ends
// everything at a reload. What a venue needs of it follows from the venue's own
// settings, so the venue prints it; docs/disconnects.md gives the reasons.

// Timers of a proxy where the operator states none.
const (
	proxyIdle     = 90 * time.Second
	proxyHardStop = 40 * time.Minute
)

// proxyOptions say what a proxy's configuration is made of, beside the venue's
// settings.
type proxyOptions struct {
	serve.ServeOptions
	listen      string
	certificate string
	key         string
	backend     string
	backendName string
	backendCA   string
}

// proxyFacts are what the templates say. Times are in the proxies' notation.
type proxyFacts struct {
	Listen, Certificate, Key     string
	Backend                      string
	BackendTLS                   bool
	BackendName, BackendCA       string
	ClientCertificate            bool   // the venue asks for one
	Idle, HardStop               string // HardStop is empty for none
	LongestStream, HeartbeatWord string // for people
}

// configProxyCommand is the command of one proxy; key says that it reads the key of
// its certificate from a file of its own.
func configProxyCommand(a *cli.App, use, name string, key bool, long, text string) *cobra.Command {
	var o proxyOptions
	command := &cobra.Command{
		Use: use, Short: "Print a configuration of " + name + " that suits the venue's settings",
		Long:    long,
		Example: "  todoku config " + use + " --config /etc/todoku.yaml --certificate /etc/ssl/venue.pem" + map[bool]string{true: " --key /etc/ssl/venue.key"}[key],
		Args:    cobra.NoArgs,
	}
	flags := command.Flags()
	flags.StringVar(&o.listen, "listen", ":443", "host:port where the proxy listens")
	if key {
		flags.StringVar(&o.certificate, "certificate", "", "PEM file of the certificate that clients see, with --key; plaintext without one")
		flags.StringVar(&o.key, "key", "", "PEM file of its key")
	} else {
		flags.StringVar(&o.certificate, "certificate", "", "PEM file of the certificate that clients see, its key in it or in a file named alike with .key added; plaintext without one")
	}
	flags.StringVar(&o.backend, "backend", "", "host:port where the proxy reaches the venue; --grpc-addr when empty")
	flags.StringVar(&o.backendName, "backend-name", "", "name in the venue's own certificate; --backend's host when empty")
	flags.StringVar(&o.backendCA, "backend-ca", "/etc/ssl/certs/ca-certificates.crt", "PEM file that vouches for the venue's own certificate")
	serve.DefineServe(command, &o.ServeOptions)
	command.RunE = func(command *cobra.Command, _ []string) error {
		stateProxy(&o.Config)
		if err := o.Complete(command.Flags()); err != nil {
			return err
		}
		if key && (o.certificate == "") != (o.key == "") {
			return cli.Usagef("--certificate and --key go together")
		}
		facts, err := o.facts()
		if err != nil {
			return err
		}
		var out strings.Builder
		if err := template.Must(template.New(use).Parse(text)).Execute(&out, facts); err != nil {
			return err
		}
		return a.Printf("%s", out.String())
	}
	return command
}

// stateProxy gives the proxy timers that suit the venue where none are stated.
// Streams that may live for ever get no hard stop.
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

// facts checks what only the proxy is told, and puts everything into its words.
func (o *proxyOptions) facts() (*proxyFacts, error) {
	f := &proxyFacts{
		Listen: o.listen, Certificate: o.certificate, Key: o.key,
		Backend: o.backend, BackendTLS: o.Config.TLSCert != "", BackendName: o.backendName, BackendCA: o.backendCA,
		ClientCertificate: o.Config.TLSClientCA != "",
		Idle:              proxyTime(o.Config.Proxy.Idle),
		LongestStream:     o.Config.LongestStream().String(),
		HeartbeatWord:     o.Config.Push.HeartbeatInterval.String(),
	}
	if f.Backend == "" {
		f.Backend = o.Config.GRPCAddr
	}
	if o.Config.Proxy.HardStop > 0 {
		f.HardStop = proxyTime(o.Config.Proxy.HardStop)
	}
	host, port, err := net.SplitHostPort(f.Backend)
	if err != nil || port == "0" {
		return nil, cli.Usagef("--backend %q is not host:port, such as 127.0.0.1:7443", f.Backend)
	}
	if host == "" { // The venue listens everywhere; the proxy is told where.
		host = "127.0.0.1"
		f.Backend = net.JoinHostPort(host, port)
	}
	if f.BackendName == "" {
		f.BackendName = host
	}
	host, port, err = net.SplitHostPort(f.Listen)
	if err != nil {
		return nil, cli.Usagef("--listen %q is not host:port, such as :443", f.Listen)
	}
	if host == "" {
		f.Listen = "*:" + port
	}
	for _, value := range []string{f.Listen, f.Certificate, f.Key, f.Backend, f.BackendName, f.BackendCA} {
		if strings.ContainsAny(value, " \t\r\n;{}'\"#\\") {
			return nil, cli.Usagef("%q holds characters that mean something in the proxy's language", value)
		}
	}
	return f, nil
}

// proxyTime writes a time as both proxies read it.
func proxyTime(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprintf("%ds", d/time.Second)
	}
	return fmt.Sprintf("%dms", d/time.Millisecond)
}

func configNginxCommand(a *cli.App) *cobra.Command {
	return configProxyCommand(a, "nginx", "nginx", true, `Prints a whole configuration of nginx (1.22 or newer) that serves a venue's gRPC port:
idle timers that heartbeats outlive, a reload that cuts no stream, and a venue that is
taken back at once after a restart. It takes the flags, environment and file of "todoku
serve", and refuses what contradicts them. nginx sees neither that a client died nor
that its path did: the venue does, by --ack-timeout.`, nginxTemplate)
}

func configHAProxyCommand(a *cli.App) *cobra.Command {
	return configProxyCommand(a, "haproxy", "HAProxy", false, `Prints a whole configuration of HAProxy (2.6 or newer) that serves a venue's gRPC port:
idle timers that heartbeats outlive, a reload that cuts no stream, and clients that
went away reported at once. It takes the flags, environment and file of "todoku serve",
and refuses what contradicts them.`, haproxyTemplate)
}

const nginxTemplate = `# nginx before a Todoku venue, from "todoku config nginx".
# The times follow from the venue's settings: print it again when those change.
worker_processes auto;
worker_rlimit_nofile 65536;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;
{{- if .HardStop}}
# Old workers keep their streams after a reload. The longest lives for {{.LongestStream}}.
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
		# One failure is no reason to send a venue that came back one stream at a time.
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

		# What the venue refuses in words, nginx must let pass.
		client_max_body_size 4m;
		# Of silence. A heartbeat comes every {{.HeartbeatWord}}; hours would hide a dead venue.
		grpc_read_timeout {{.Idle}};
		grpc_send_timeout {{.Idle}};
		client_body_timeout {{.Idle}};
		grpc_socket_keepalive on;

		location / {
			{{- if .BackendTLS}}
			grpc_pass grpcs://venue;
			grpc_ssl_name {{.BackendName}};
			grpc_ssl_server_name on;
			grpc_ssl_verify on;
			grpc_ssl_trusted_certificate {{.BackendCA}};
			{{- if .ClientCertificate}}
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

// addressNote ends both: where every client has the proxy's address, limits on addresses
// would be limits on all.
const addressNote = `# The venue takes this proxy's address for that of every client: run it with
# --connections-per-address=-1 --streams-per-address=-1 --address-attach-rate=off
# --address-sign-in-rate=off --address-sign-in-share=-1 --lockout-address-after=-1
`

const haproxyTemplate = `# HAProxy before a Todoku venue, from "todoku config haproxy".
# The times follow from the venue's settings: print it again when those change.
global
	log /dev/log local0
{{- if .HardStop}}
	# Old processes keep their streams after a reload. The longest lives for {{.LongestStream}}.
	hard-stop-after {{.HardStop}}
{{- else}}
	# No hard-stop-after: the venue's streams have no age, and a reload would cut them.
{{- end}}

defaults
	mode http
	log global
	option httplog
	timeout connect 5s
	# Of silence. A heartbeat comes every {{.HeartbeatWord}}; hours would hide a dead venue.
	# timeout tunnel does not apply to streams of HTTP/2.
	timeout client {{.Idle}}
	timeout server {{.Idle}}
	# Or the venue is not told of a client that went away.
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
	# No check: there is one venue, and while it stops it still answers, in words.
{{- if .BackendTLS}}
{{- if .ClientCertificate}}
	# The venue asks for a certificate, and sees this proxy's instead of its clients':
	# add crt.
{{- end}}
	server venue {{.Backend}} alpn h2 ssl verify required ca-file {{.BackendCA}} verifyhost {{.BackendName}} sni str({{.BackendName}})
{{- else}}
	server venue {{.Backend}} proto h2
{{- end}}
` + addressNote
