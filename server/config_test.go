package server_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"todoku/rpc"
	"todoku/server"
)

// TestInvalidSettingsAreRefusedBeforeTheDataIsOpened has each rule, with a word of the
// error that the operator needs.
func TestInvalidSettingsAreRefusedBeforeTheDataIsOpened(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "not-a-certificate.pem")
	if err := os.WriteFile(file, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*server.Config)
		says   string
	}{
		"certificate without key":       {func(c *server.Config) { c.TLSCert = file }, "key"},
		"key without certificate":       {func(c *server.Config) { c.TLSKey = file }, "certificate"},
		"client CA without TLS":         {func(c *server.Config) { c.TLSClientCA = file }, "client certificates need TLS"},
		"invalid certificate":           {func(c *server.Config) { c.TLSCert, c.TLSKey = file, file }, file},
		"address without a port":        {func(c *server.Config) { c.GRPCAddr = "localhost" }, "host:port"},
		"plaintext on all addresses":    {func(c *server.Config) { c.HTTPAddr = ":0" }, "--insecure"},
		"history of an hour":            {func(c *server.Config) { c.Retain = time.Hour }, "48h"},
		"negative drain":                {func(c *server.Config) { c.Drain = -time.Second }, "negative"},
		"negative handshake timeout":    {func(c *server.Config) { c.Doors.Handshake = -time.Second }, "handshake"},
		"headers too small for a token": {func(c *server.Config) { c.Doors.HeaderBytes = 100 }, "access token"},
		"a rate that admits no caller":  {func(c *server.Config) { c.Limits.SignInsPerNetwork = rpc.Rate{PerSecond: 1} }, "sign-ins"},
		"streams that cannot return": {func(c *server.Config) {
			c.Push.StreamsPerUser, c.Limits.AttachesPerUser = 10, rpc.Rate{PerSecond: 1, Burst: 5}
		}, "--attach-rate"},
		"fewer bytes than a queue": {func(c *server.Config) { c.Push.UnackedBytes = 1 << 10 }, "acknowledgement"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			config := server.Config{Data: filepath.Join(t.TempDir(), "data"), GRPCAddr: "127.0.0.1:0", HTTPAddr: "127.0.0.1:0"}
			c.change(&config)
			s, err := server.New(t.Context(), config)
			if !errors.Is(err, server.ErrConfig) || s != nil {
				t.Fatalf("%v, %v; want a refusal of the settings", s, err)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("refused with %q, without %q", err, c.says)
			}
			if _, err := os.Stat(config.Data); !errors.Is(err, os.ErrNotExist) {
				t.Errorf("the data directory was made: %v", err)
			}
		})
	}
}

// TestSeveralMistakesAreNamedAtOnce: an operator needs one start to see them all.
func TestSeveralMistakesAreNamedAtOnce(t *testing.T) {
	t.Parallel()
	_, err := server.New(t.Context(), server.Config{Data: t.TempDir(), GRPCAddr: "x", HTTPAddr: ":0", Retain: time.Hour})
	for _, want := range []string{"host:port", "--insecure", "48h"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not say %q", err, want)
		}
	}
}
