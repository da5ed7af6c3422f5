package session

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
)

// Venue is a client of a venue whose session is kept from command to command, and
// shared by commands that run at the same time: each of them stores the tokens that
// it receives in the same file, and looks there before it exchanges its own. A refresh
// token is good for one exchange; without this a second "todoku watch" would look like
// a thief.
type Venue struct {
	*client.Client
	session  *Session
	store    sessionStore
	user     string
	password string

	signing sync.Mutex // held while signing in

	mu      sync.Mutex // protects changed
	changed string     // cursor of the latest change, "" before the first
}

// Dial runs do with a client that nobody has signed in with yet.
func (s *Session) Dial(do func(*Venue) error) (err error) {
	v := &Venue{session: s, user: s.User, password: s.Password()}
	if v.store, err = s.sessions(s.Server); err != nil {
		return err
	}
	config, err := s.Config()
	if err != nil {
		return err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	config.ClientName = fmt.Sprintf("todoku %s on %s (%s)", cli.Version(), host, runtime.GOOS)
	config.KeepaliveTime, config.KeepaliveTimeout = s.keepaliveTime, s.keepaliveTimeout
	config.OnSession = v.keep
	config.DialOptions = []grpc.DialOption{grpc.WithChainUnaryInterceptor(v.shareSession, v.noteChange)}
	if v.Client, err = client.Dial(config); err != nil {
		return cli.Usagef("--server %q: %w", s.Server, err)
	}
	defer func() { err = errors.Join(err, v.Close()) }()
	return do(v)
}

// WithVenue runs do as the user of the kept session or, where there is none, as
// the one that TODOKU_USER and TODOKU_PASSWORD sign in.
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

// keep stores a new state of the session.
func (v *Venue) keep(s client.Session) {
	if err := v.store.save(s); err != nil {
		v.session.Warn("%v", err)
	}
}

// Begin restores the kept session, or signs in.
func (v *Venue) Begin(ctx context.Context) error {
	session, err := v.store.load(v.user)
	if err != nil {
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

// CanSignIn says whether signing in needs no prompt.
func (v *Venue) CanSignIn() bool { return v.user != "" && v.password != "" }

// SignIn signs in, unless somebody else has since the caller saw an access token.
func (v *Venue) SignIn(ctx context.Context, seen string) error {
	v.signing.Lock()
	defer v.signing.Unlock()
	if v.Session().AccessToken != seen {
		return nil
	}
	return v.Login(ctx, v.user, v.password)
}

func unauthenticated(err error) bool { return status.Code(err) == codes.Unauthenticated }

// shareSession surrounds every unary call, outside the client's own handling of
// tokens.
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
	// The session has ended; nothing was done. Signing in needs no prompt.
	if !unauthenticated(err) || !v.CanSignIn() || v.SignIn(ctx, token) != nil {
		return err
	}
	return next()
}

// exchanged answers a refresh from the file when another command has already made
// it, and says whether it did. Where that command's access token has ended too, its
// refresh token is the one to exchange.
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
		v.mu.Lock()
		v.changed = cursor
		v.mu.Unlock()
	}
	return nil
}

// awaitChange waits until queries show the latest change, so that the next command
// shows what this one changed: an answer comes when the journal has the change, before
// the venue's views have it. The change is done in any case; an error is ignored.
func (v *Venue) awaitChange(ctx context.Context) {
	v.mu.Lock()
	cursor := v.changed
	v.mu.Unlock()
	if cursor != "" {
		_, _ = v.Market().ListInstruments(ctx, &todokuv1.ListInstrumentsRequest{WaitFor: cursor})
	}
}
