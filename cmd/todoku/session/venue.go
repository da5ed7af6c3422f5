package session

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
)

// Venue is a client of a venue whose session is kept from command to command. Commands that
// run at the same time share the session: each stores new tokens in the same file, and
// looks there before it exchanges its own. A refresh token can be exchanged only once, and
// a second exchange would look like theft.
type Venue struct {
	*client.Client
	session  *Session
	store    sessionStore
	user     string
	password string

	signing sync.Mutex             // held while signing in
	changed atomic.Pointer[string] // cursor of the latest change, nil before the first
}

// Dial runs do with a client that is not signed in.
func (s *Session) Dial(do func(*Venue) error) (err error) {
	v := &Venue{session: s, user: s.User, password: s.Password(), store: s.sessions(s.Server)}
	config, err := s.Config()
	if err != nil {
		return err
	}
	host, _ := os.Hostname()
	config.ClientName = fmt.Sprintf("todoku %s on %s (%s)", cli.Version(), cmp.Or(host, "unknown host"), runtime.GOOS)
	config.KeepaliveTime, config.KeepaliveTimeout = s.keepaliveTime, s.keepaliveTimeout
	config.OnSession = v.keep
	config.DialOptions = []grpc.DialOption{grpc.WithChainUnaryInterceptor(v.shareSession, v.noteChange)}
	if v.Client, err = client.Dial(config); err != nil {
		return cli.Usagef("--server %q: %w", s.Server, err)
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return do(v)
}

// WithVenue runs do as the user of the kept session. If there is none, it signs in with
// TODOKU_USER and TODOKU_PASSWORD.
func (s *Session) WithVenue(ctx context.Context, do func(*Venue) error) error {
	return s.Dial(func(venue *Venue) error {
		if err := venue.Begin(ctx); err != nil {
			return err
		}
		err := do(venue)
		venue.awaitChange(ctx)
		return err
	})
}

func (v *Venue) keep(s client.Session) {
	if err := v.store.save(s); err != nil {
		v.session.Warn("%v", err)
	}
}

// Begin restores the kept session, or signs in.
func (v *Venue) Begin(ctx context.Context) error {
	session, err := v.store.load(v.user)
	if err != nil && !v.CanSignIn() {
		return err
	}
	if session.RefreshToken != "" && v.session.Now().Before(session.RefreshExpire) {
		v.Restore(session)
		return nil
	}
	if !v.CanSignIn() {
		return v.session.notSignedIn()
	}
	return v.Login(ctx, v.user, v.password)
}

// CanSignIn reports whether the venue can sign in without a prompt.
func (v *Venue) CanSignIn() bool { return v.user != "" && v.password != "" }

// SignIn signs in, unless another goroutine has done so since the caller read the access
// token seen.
func (v *Venue) SignIn(ctx context.Context, seen string) error {
	v.signing.Lock()
	defer v.signing.Unlock()
	if v.Session().AccessToken != seen {
		return nil
	}
	return v.Login(ctx, v.user, v.password)
}

func unauthenticated(err error) bool { return status.Code(err) == codes.Unauthenticated }

// shareSession intercepts every unary call, outside the client's own handling of tokens.
func (v *Venue) shareSession(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	next := func() error { return invoke(ctx, method, request, reply, conn, options...) }
	switch method {
	case todokuv1.SessionService_Login_FullMethodName, todokuv1.SessionService_Logout_FullMethodName:
		return next()
	case todokuv1.SessionService_RefreshSession_FullMethodName:
		if v.exchanged(request, reply) {
			return nil
		}
		return next()
	}
	token := v.Session().AccessToken
	err := next()
	// The session has ended and the call did nothing, so it can be repeated.
	if !unauthenticated(err) || !v.CanSignIn() || v.SignIn(ctx, token) != nil {
		return err
	}
	return next()
}

// exchanged answers a refresh from the file if another command has already made it, and
// reports whether it did. If that command's access token has expired too, the refresh uses
// that command's refresh token.
func (v *Venue) exchanged(request, reply any) bool {
	mine, ok := request.(*todokuv1.RefreshSessionRequest)
	answer, ok2 := reply.(*todokuv1.RefreshSessionResponse)
	kept, err := v.store.load(v.Session().User)
	if !ok || !ok2 || err != nil || kept.SessionID != v.Session().SessionID || kept.RefreshToken == mine.GetRefreshToken() {
		return false
	}
	if !v.session.Now().Before(kept.AccessExpire) {
		mine.RefreshToken = kept.RefreshToken
		return false
	}
	answer.Tokens = &todokuv1.SessionTokens{
		AccessToken: kept.AccessToken, AccessExpireTime: timestamppb.New(kept.AccessExpire),
		RefreshToken: kept.RefreshToken, RefreshExpireTime: timestamppb.New(kept.RefreshExpire),
	}
	return true
}

// noteChange remembers the cursor of a change that was answered.
func (v *Venue) noteChange(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	err := invoke(ctx, method, request, reply, conn, options...)
	name := method[strings.LastIndexByte(method, '/')+1:]
	if err != nil || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List") {
		return err
	}
	cursor := ""
	switch r := reply.(type) {
	case interface{ GetCursor() string }:
		cursor = r.GetCursor()
	case interface{ GetAnswer() *todokuv1.OrderAnswer }:
		cursor = r.GetAnswer().GetCursor()
	}
	if cursor != "" {
		v.changed.Store(&cursor)
	}
	return nil
}

// awaitChange waits until queries show the latest change, so that the next command shows
// it: the venue answers when the change is in the journal, before its views have it. An
// error is ignored, because the change is made.
func (v *Venue) awaitChange(ctx context.Context) {
	if cursor := v.changed.Load(); cursor != nil {
		_, _ = v.Market().ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{WaitFor: *cursor})
	}
}
