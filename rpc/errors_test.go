package rpc

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/account"
	"todoku/feed"
	"todoku/push"
	"todoku/trade"
)

// newTestServer returns a server that can only explain errors.
func newTestServer() *Server { return New(Deps{}, Options{}) }

// details returns the details of a status as a client reads them.
func details(t *testing.T, err error) (*errdetails.ErrorInfo, *errdetails.BadRequest, *errdetails.RetryInfo) {
	t.Helper()
	var info *errdetails.ErrorInfo
	var bad *errdetails.BadRequest
	var retry *errdetails.RetryInfo
	for _, detail := range status.Convert(err).Details() {
		switch d := detail.(type) {
		case *errdetails.ErrorInfo:
			info = d
		case *errdetails.BadRequest:
			bad = d
		case *errdetails.RetryInfo:
			retry = d
		}
	}
	if info == nil || info.GetDomain() != domain {
		t.Fatalf("%v carries no ErrorInfo of domain %q", err, domain)
	}
	return info, bad, retry
}

func TestErrorsHaveTheCodeAndReasonOfTheirRow(t *testing.T) {
	s := newTestServer()
	codeOf := map[string]codes.Code{}
	for _, r := range table() {
		err := s.status("/m", fmt.Errorf("deep down: %w", r.err))
		info, _, _ := details(t, err)
		if status.Code(err) != r.code || info.GetReason() != r.reason {
			t.Errorf("%v has %s %s, want %s %s", r.err, status.Code(err), info.GetReason(), r.code, r.reason)
		}
		if before, ok := codeOf[r.reason]; ok && before != r.code {
			t.Errorf("reason %s has two codes, %s and %s", r.reason, before, r.code)
		}
		codeOf[r.reason] = r.code
		if text := status.Convert(err).Message(); text == "" || strings.Contains(text, "deep down") {
			t.Errorf("%s says %q", r.reason, text)
		}
	}
	// A reason has the same code as the end of a stream and as a refusal.
	for _, reason := range endReasons() {
		code := explainEnd(&push.End{Reason: reason}).code
		if before, ok := codeOf[string(reason)]; ok && before != code {
			t.Errorf("%s is %s in the table and %s as an end", reason, before, code)
		}
	}
	for _, reason := range trade.Reasons() {
		if reason >= trade.ReasonRequested {
			continue // It says why an order ended and is never a refusal.
		}
		if before, ok := codeOf[reason.String()]; ok && before != refusalCode(reason) {
			t.Errorf("%s is %s in the table and %s as a refusal", reason, before, refusalCode(reason))
		}
	}
}

func TestEveryRefusalHasTheCodeOfItsHundreds(t *testing.T) {
	s := newTestServer()
	for _, reason := range trade.Reasons() {
		err := s.status("/m", trade.Refuse(reason, "orders[3].price", "the tick size is 0.01"))
		info, bad, _ := details(t, err)
		internal := reason == trade.ReasonNone || reason >= 700
		if got := status.Code(err); (got == codes.Internal) != internal {
			t.Errorf("%s has the code %s", reason, got)
		}
		if internal {
			continue
		}
		if info.GetReason() != reason.String() || info.GetMetadata()["code"] != strconv.Itoa(int(reason)) {
			t.Errorf("%s has the reason %s and the number %s", reason, info.GetReason(), info.GetMetadata()["code"])
		}
		if len(bad.GetFieldViolations()) != 1 || bad.GetFieldViolations()[0].GetField() != "orders[3].price" {
			t.Errorf("%s names %v", reason, bad)
		}
		if text := status.Convert(err).Message(); !strings.Contains(text, reason.Sentence()) || !strings.Contains(text, "0.01") {
			t.Errorf("%s says %q", reason, text)
		}
	}
	if _, _, retry := details(t, s.status("/m", trade.Refuse(trade.ReasonRateLimit, "", ""))); retry.GetRetryDelay().AsDuration() != time.Second {
		t.Errorf("a caller over its rate must wait %v", retry)
	}
}

func endReasons() []push.Reason {
	return []push.Reason{
		push.ReasonSlowConsumer, push.ReasonNotAcknowledging, push.ReasonShutdown, push.ReasonStreamAge,
		push.ReasonReplaced, push.ReasonSuperseded, push.ReasonSessionExpired, push.ReasonSessionRevoked,
		push.ReasonUserSuspended, push.ReasonUnknownConnection, push.ReasonNotYourConnection, push.ReasonBadCursor,
		push.ReasonBadSubscription, push.ReasonDisconnected, reasonByVenue,
	}
}

func TestEveryEndOfAStreamKeepsItsReason(t *testing.T) {
	want := map[push.Reason]codes.Code{
		"SLOW_CONSUMER": codes.ResourceExhausted, "NOT_ACKNOWLEDGING": codes.DeadlineExceeded,
		"SHUTDOWN": codes.Unavailable, "STREAM_AGE": codes.Unavailable, "BY_VENUE": codes.Unavailable,
		"REPLACED": codes.Aborted, "SUPERSEDED": codes.Aborted,
		"SESSION_EXPIRED": codes.Unauthenticated, "SESSION_REVOKED": codes.Unauthenticated, "USER_SUSPENDED": codes.Unauthenticated,
		"UNKNOWN_CONNECTION": codes.NotFound, "NOT_YOUR_CONNECTION": codes.PermissionDenied,
		"BAD_CURSOR": codes.InvalidArgument, "BAD_SUBSCRIPTION": codes.InvalidArgument,
		"DISCONNECTED": codes.Canceled,
	}
	s := newTestServer()
	for _, reason := range endReasons() {
		err := s.status("/m", &push.End{Reason: reason, Message: "because", Err: errors.New("secret")})
		info, _, _ := details(t, err)
		if info.GetReason() != string(reason) || status.Code(err) != want[reason] || status.Convert(err).Message() != "because" {
			t.Errorf("%s ends as %v", reason, err)
		}
		delete(want, reason)
	}
	if len(want) > 0 {
		t.Errorf("not checked: %v", want)
	}
}

func TestUnknownErrorsAreWithheldAndReported(t *testing.T) {
	var method string
	var reported error
	s := New(Deps{}, Options{Fault: func(m string, err error) { method, reported = m, err }})
	secret := errors.New("open /var/lib/secret: permission denied")
	for _, err := range []error{secret, &push.End{Reason: push.ReasonInternal, Message: "inside", Err: secret}} {
		method, reported = "", nil
		got := s.status("/todoku.v1.X/Y", err)
		info, _, _ := details(t, got)
		if status.Code(got) != codes.Internal || info.GetReason() != "INTERNAL" {
			t.Errorf("got %v", got)
		}
		if text := got.Error(); strings.Contains(text, "secret") || strings.Contains(text, "inside") {
			t.Errorf("the client reads %q", text)
		}
		if method != "/todoku.v1.X/Y" || !errors.Is(reported, secret) {
			t.Errorf("reported %q, %v", method, reported)
		}
	}
}

func TestALockedOutUserGetsTheTimeOfItsEnd(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	s := New(Deps{}, Options{Clock: func() time.Time { return now }})
	info, _, retry := details(t, s.status("/m", &account.LockedOutError{Until: now.Add(time.Minute)}))
	if info.GetMetadata()["until"] != "2026-01-02T03:05:05Z" || retry.GetRetryDelay().AsDuration() != time.Minute {
		t.Errorf("got %v, %v", info, retry)
	}
}

func TestABadSubscriptionIsExplained(t *testing.T) {
	err := newTestServer().status("/m", &feed.SubscriptionError{Symbol: "NONE", Problem: "unknown instrument NONE"})
	info, bad, _ := details(t, err)
	if info.GetReason() != "BAD_SUBSCRIPTION" || bad.GetFieldViolations()[0].GetField() != "subscription" ||
		!strings.Contains(err.Error(), "unknown instrument NONE") {
		t.Errorf("got %v", err)
	}
}

// internalErrors are those of the packages below that concern no client: defects, or
// problems for the operator. They are withheld.
var internalErrors = []string{
	"account.ErrNotFound",                                                        // of a Store, for its Service
	"account.ErrNoKeys",                                                          // of background work
	"engine.ErrBookQuantity", "engine.ErrBookCrossed", "engine.ErrBookDuplicate", // of the book alone
	"engine.ErrBookLevel", "engine.ErrBookFull", "engine.ErrBookUnknown",
	"feed.ErrNotReady", // the ports open when it is ready
	"feed.ErrBadIndex", "history.ErrGap",
	"feed.ErrBadCursor", // wraps push.ErrBadCursor, which has a row
	"journal.ErrStale", "journal.ErrFailed", "journal.ErrFull", "journal.ErrInvalid", "journal.ErrTooLarge", "journal.ErrCorrupt",
	"journal.ErrNoSnapshot", "journal.ErrNeedsSnapshot", "journal.ErrReadOnly", "journal.ErrFollower", "journal.ErrClosed",
	"journal.ErrInUse", "journal.ErrNewerVersion", "journal.ErrOlderVersion", "journal.ErrForeign", // when a store is opened
	"journal.ErrMalformed",
	"push.ErrConfig", "push.ErrOutOfOrder", "push.ErrNotCurrent", "push.ErrConsumed",
}

func TestEverySentinelBelowHasARowOrIsNamedInternal(t *testing.T) {
	rows := sentinelsIn(t, "errors.go")
	for _, pkg := range []string{"account", "engine", "feed", "journal", "push"} {
		for _, name := range sentinelsOf(t, pkg) {
			full := pkg + "." + name
			inTable, internal := slices.Contains(rows, full), slices.Contains(internalErrors, full)
			switch {
			case !inTable && !internal:
				t.Errorf("%s is neither in the table nor named internal", full)
			case inTable && internal:
				t.Errorf("%s is in the table and named internal", full)
			}
		}
	}
}

// sentinelsOf returns the exported variables ErrX that a package declares.
func sentinelsOf(t *testing.T, pkg string) []string {
	t.Helper()
	var names []string
	files, err := filepath.Glob(filepath.Join("..", pkg, "*.go"))
	if err != nil || len(files) == 0 {
		t.Fatal(pkg, err)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, decl := range file.Decls {
			variables, ok := decl.(*ast.GenDecl)
			if !ok || variables.Tok != token.VAR {
				continue
			}
			for _, spec := range variables.Specs {
				for _, id := range spec.(*ast.ValueSpec).Names {
					if strings.HasPrefix(id.Name, "Err") {
						names = append(names, id.Name)
					}
				}
			}
		}
	}
	return names
}

// sentinelsIn returns the sentinels that a file of this package names, as "pkg.ErrX".
func sentinelsIn(t *testing.T, name string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	ast.Inspect(file, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && strings.HasPrefix(s.Sel.Name, "Err") {
			if id, ok := s.X.(*ast.Ident); ok {
				found = append(found, id.Name+"."+s.Sel.Name)
			}
		}
		return true
	})
	return found
}
