package main

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"todoku/cmd/todoku/cli"
	"todoku/internal/apptest"
	"todoku/internal/pathtest"
)

// hereNginx replaces directories of the system in a printed configuration by a directory
// of the test.
func hereNginx(t *testing.T, text string) string {
	t.Helper()
	dir := t.TempDir() + "/"
	var places strings.Builder
	for _, kind := range []string{"client_body", "proxy", "fastcgi", "uwsgi", "scgi"} {
		places.WriteString("\n\t" + kind + "_temp_path " + dir + kind + ";")
	}
	return strings.NewReplacer("/run/nginx.pid", dir+"pid", "/var/log/nginx/", dir, "http {", "http {"+places.String()).Replace(text)
}

// TestPrintedProxyConfigurationsServeTheVenue has the real proxies check what is
// printed for them and run with it: requests and a stream go through, with and
// without TLS on either side, and a reload cuts nothing.
func TestPrintedProxyConfigurationsServeTheVenue(t *testing.T) {
	t.Parallel()
	proxies := map[string]struct {
		check []string
		here  func(*testing.T, string) string
		run   func(*testing.T, string, string) *pathtest.Proxy
	}{
		"nginx":   {[]string{"-t", "-q", "-e", "stderr", "-c"}, hereNginx, pathtest.RunNginx},
		"haproxy": {[]string{"-c", "-q", "-f"}, func(_ *testing.T, text string) string { return text }, pathtest.RunHAProxy},
	}
	for name, proxy := range proxies {
		for what, secure := range map[string]bool{"plaintext": false, "TLS": true} {
			t.Run(name+" with "+what, func(t *testing.T) {
				t.Parallel()
				program, listen := pathtest.Program(t, name), apptest.FreeAddress(t)
				config := apptest.Config(t.TempDir())
				args := []string{"config", name, "--listen", listen}
				if secure {
					cert, key := selfSigned(t, "venue.test")
					config.TLSCert, config.TLSKey = cert, key
					args = append(args, "--tls-cert", cert, "--tls-key", key, "--backend-name", "venue.test", "--backend-ca", cert, "--certificate", cert)
					if name == "nginx" {
						args = append(args, "--key", key)
					} else if err := os.Link(key, cert+".key"); err != nil {
						t.Fatal(err)
					}
				}
				if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), nil); err != nil {
					t.Fatal(err)
				}
				app := apptest.Serve(t, config)
				text := proxy.here(t, newWorld(t).must(append(args, "--backend", app.GRPCAddr().String())...))
				if out, err := exec.CommandContext(t.Context(), program, append(proxy.check, writeFile(t, text))...).CombinedOutput(); err != nil {
					t.Fatalf("%s refuses\n%s\n%s", name, text, out)
				}
				running := proxy.run(t, listen, text)
				alice, admin := as(t, listen, "alice"), as(t, listen, "admin")
				for _, w := range []*world{alice, admin} {
					if secure {
						w.env["TODOKU_TLS_CA"], w.env["TODOKU_TLS_SERVER_NAME"] = config.TLSCert, "venue.test"
					}
				}
				alice.must("positions")
				watching := alice.start("watch", "--json")
				watching.until("the snapshot", func(line map[string]any) bool { return line["snapshot_end"] != nil })
				running.Reload()
				admin.must("announce", "reloaded")
				watching.until("the announcement", func(line map[string]any) bool { return line["announcement"] != nil })
			})
		}
	}
}

// TestPrintedProxyTimersFollowTheVenue checks that printed timers agree with those of the
// venue, and that timers that contradict them are refused.
func TestPrintedProxyTimersFollowTheVenue(t *testing.T) {
	w := newWorld(t)
	contains(t, w.must("config", "nginx"),
		"grpc_read_timeout 90s;", "worker_shutdown_timeout 2400s;", "max_fails=0", "listen *:443 ", "The longest lives for 34m40s", "grpc://venue", "server 127.0.0.1:7443")
	contains(t, w.must("config", "haproxy", "--listen", ":8443"),
		"timeout server 90s", "timeout client 90s", "hard-stop-after 2400s", "option abortonclose", "bind *:8443 proto h2", "server venue 127.0.0.1:7443 proto h2")
	contains(t, w.must("config", "haproxy", "--stream-age", "2h", "--proxy-idle", "1500ms", "--heartbeat", "1s"), "hard-stop-after 8400s", "timeout server 1500ms")
	contains(t, w.must("config", "nginx", "--stream-age=-1s"), "No worker_shutdown_timeout")
	// The venue must accept the flags that the configuration recommends for it.
	flags := regexp.MustCompile(`--[a-z-]+=\S+`).FindAllString(w.must("config", "nginx"), -1)
	if len(flags) != 6 {
		t.Errorf("limits on addresses are switched off by %q", flags)
	}
	w.must(append([]string{"config", "check"}, flags...)...)
	for _, wrong := range [][]string{
		{"config", "nginx", "--proxy-idle", "5s"},
		{"config", "haproxy", "--proxy-hard-stop", "34m"},
		{"config", "nginx", "--heartbeat", "85s", "--client-stale", "100s", "--client-watchdog", "200s", "--ack-timeout", "10m"},
		{"config", "nginx", "--certificate", "x.pem"},
		{"config", "haproxy", "--listen", "443"},
		{"config", "haproxy", "--backend", "venue"},
		{"config", "nginx", "--backend", "venue:1;include"},
	} {
		if code, out, _ := w.run(wrong...); code != cli.ExitUsage || out != "" {
			t.Errorf("%v: exit code %d, %s", wrong, code, out)
		}
	}
}
