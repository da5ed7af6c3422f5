package apptest_test

import (
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// BenchmarkSignOutEndsStream measures from a sign-out's request to the end of the
// session's stream at the client.
func BenchmarkSignOutEndsStream(b *testing.B) {
	app := apptest.Start(b)
	for b.Loop() {
		b.StopTimer()
		d := app.SignIn("alice")
		s := d.Attach(&request{})
		s.Snapshot()
		b.StartTimer()
		if _, err := d.Sessions.Logout(b.Context(), &todokuv1.LogoutRequest{}); err != nil {
			b.Fatal(err)
		}
		if _, err := s.Finish(); status.Code(err) != codes.Unauthenticated {
			b.Fatalf("the stream ended with %v", err)
		}
	}
}

// BenchmarkStopWithoutStreams measures how long a venue takes to stop that has no streams.
func BenchmarkStopWithoutStreams(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		app := apptest.Start(b)
		app.SignIn("alice")
		b.StartTimer()
		app.Shutdown()
	}
}
