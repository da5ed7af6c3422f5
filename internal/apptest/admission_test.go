package apptest_test

import (
	"context"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"todoku/internal/apptest"
	"todoku/server"
)

// TestOnlyConnectionsOfUsersAndProbersStay has one connection of a user, one of a load
// balancer, and one over which only reflection was used.
func TestOnlyConnectionsOfUsersAndProbersStay(t *testing.T) {
	t.Parallel()
	app := serve(t, func(c *server.Config) { c.Doors.Admission = 2 * time.Second })
	alice := app.SignIn("alice")
	alice.Place(apptest.Limit("a", "USDJPY", buy, "1", "150"))
	prober, stranger := apptest.NewDesktop(t, app.GRPCAddr().String()), apptest.NewDesktop(t, app.GRPCAddr().String())
	for i := range 5 {
		watch, err := healthv1.NewHealthClient(prober.Conn).Watch(t.Context(), &healthv1.HealthCheckRequest{})
		if err != nil {
			t.Fatal(err)
		}
		_, err = watch.Recv()
		if want := map[bool]codes.Code{true: codes.OK, false: codes.ResourceExhausted}[i < 4]; status.Code(err) != want {
			t.Errorf("watch %d: %v, want %s", i+1, err, want)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), apptest.Patience)
	defer cancel()
	stranger.Conn.Connect()
	for {
		state := stranger.Conn.GetState()
		if state == connectivity.Ready {
			break
		}
		if !stranger.Conn.WaitForStateChange(ctx, state) {
			t.Fatal("the connection is not made")
		}
	}
	if !stranger.Conn.WaitForStateChange(ctx, connectivity.Ready) {
		t.Fatal("the connection of a stranger is kept")
	}
	for name, conn := range map[string]connectivity.State{"the user": alice.Conn.GetState(), "the prober": prober.Conn.GetState()} {
		if conn != connectivity.Ready {
			t.Errorf("the connection of %s is %s", name, conn)
		}
	}
}
