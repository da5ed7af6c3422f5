package session

import (
	"io"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// TestConcurrentCommandsShareOneRefresh: a refresh token can be used once. The second of
// two commands must take the tokens that the first got; a second use looks like theft.
func TestConcurrentCommandsShareOneRefresh(t *testing.T) {
	config := apptest.Config(t.TempDir())
	config.Accounts.RetryWindow = time.Nanosecond // A token is refused once its successor is in use.
	if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	running := apptest.Serve(t, config)
	home, env := t.TempDir(), map[string]string{"TODOKU_PASSWORD": apptest.Password}
	s := New(&cli.App{
		In: strings.NewReader(""), Out: io.Discard, Errors: t.Output(), Now: time.Now,
		LookupEnv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		ConfigDir: func() (string, error) { return home, nil },
	})
	s.Server, s.User, s.plaintext = running.GRPCAddr().String(), "alice", true
	s.keepaliveTime, s.keepaliveTimeout = ClientKeepaliveTime, clientKeepaliveTimeout
	if err := s.login(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	delete(env, "TODOKU_PASSWORD") // A new sign-in is not possible either.
	err := s.WithVenue(t.Context(), func(first *Venue) error {
		return s.WithVenue(t.Context(), func(second *Venue) error {
			for _, each := range []*Venue{first, second, first} {
				if err := each.Refresh(t.Context()); err != nil {
					return err
				}
				if _, err := each.Orders().ListPositions(t.Context(), &todokuv1.ListPositionsRequest{}); err != nil {
					return err
				}
			}
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestMain(m *testing.M) {
	apptest.Main()
	goleak.VerifyTestMain(m)
}
