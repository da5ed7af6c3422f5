package apptest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// Shorter names for values that nearly every test uses.
const (
	buy  = todokuv1.Side_SIDE_BUY
	sell = todokuv1.Side_SIDE_SELL

	execNew         = todokuv1.ExecType_EXEC_TYPE_NEW
	execTrade       = todokuv1.ExecType_EXEC_TYPE_TRADE
	execCanceled    = todokuv1.ExecType_EXEC_TYPE_CANCELED
	execExpired     = todokuv1.ExecType_EXEC_TYPE_EXPIRED
	execTradeCancel = todokuv1.ExecType_EXEC_TYPE_TRADE_CANCEL
)

// request is a stream's request in short.
type request = todokuv1.FeedNotificationRequest

// everything is the largest subscription that a trader may request.
func everything() *todokuv1.Subscription {
	return &todokuv1.Subscription{Symbols: []string{"*"}, Presence: true}
}

// serve serves a seeded venue whose settings a test changes.
func serve(t *testing.T, change func(*server.Config)) *apptest.App {
	t.Helper()
	config := apptest.Config(t.TempDir())
	if err := apptest.Seed(t.Context(), config.Data, apptest.Users(), apptest.Instruments()); err != nil {
		t.Fatal(err)
	}
	change(&config)
	return apptest.Serve(t, config)
}

// clientError is an error as a client receives it.
type clientError struct {
	code   codes.Code
	reason string
	text   string
	fields []string
	retry  time.Duration // 0 if the error names none
}

// parseError returns the parts of an error and checks what every error promises: the
// domain, a sentence, and a code that is not UNKNOWN.
func parseError(t *testing.T, err error) clientError {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	s := status.Convert(err)
	out := clientError{code: s.Code(), text: s.Message()}
	for _, detail := range s.Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			if d.GetDomain() != "todoku" {
				t.Errorf("%v: domain %q", err, d.GetDomain())
			}
			out.reason = d.GetReason()
		case *errdetails.RetryInfo:
			out.retry = d.GetRetryDelay().AsDuration()
		case *errdetails.BadRequest:
			for _, v := range d.GetFieldViolations() {
				out.fields = append(out.fields, v.GetField())
			}
		}
	}
	if out.reason == "" {
		t.Fatalf("%v has no reason", err)
	}
	if !strings.HasSuffix(out.text, ".") && !strings.HasSuffix(out.text, ")") {
		t.Errorf("%s: %q is not a sentence", out.reason, out.text)
	}
	return out
}

// wantRefusal checks how a call was refused, and which field the error names if field is
// not empty.
func wantRefusal(t *testing.T, err error, code codes.Code, reason, field string) {
	t.Helper()
	got := parseError(t, err)
	if got.code != code || got.reason != reason {
		t.Errorf("refused with %s %s (%s), want %s %s", got.code, got.reason, got.text, code, reason)
	}
	if field != "" && !slices.Contains(got.fields, field) {
		t.Errorf("%s names the fields %v, want %s", got.reason, got.fields, field)
	}
}

// wantEnd reads a stream to its end, which must have this reason.
func wantEnd(t *testing.T, s *apptest.Stream, code codes.Code, reason string) []*todokuv1.Message {
	t.Helper()
	all, err := s.Finish()
	if status.Code(err) != code || reasonOf(err) != reason {
		t.Errorf("the stream ended with %v, want %s %s", err, code, reason)
	}
	return all
}

// reasonOf returns the reason that an error carries, or "".
func reasonOf(err error) string {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return info.GetReason()
		}
	}
	return ""
}

// wantEventually polls until a condition holds.
func wantEventually(t *testing.T, holds func() bool, what string) {
	t.Helper()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	timeout := time.NewTimer(apptest.Patience)
	defer timeout.Stop()
	for !holds() {
		select {
		case <-ticker.C:
		case <-timeout.C:
			t.Fatalf("not within %s: %s", apptest.Patience, what)
		}
	}
}
