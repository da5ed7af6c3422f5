package session

import (
	"context"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/client"
	"todoku/cmd/todoku/cli"
	todokuv1 "todoku/gen/todoku/v1"
)

// keeper carries a session from command to command, and between commands that run
// at once: each of them keeps the tokens that it was given in the same file, and
// looks there before it exchanges its own. A refresh token is good for one
// exchange; without this a second "todoku watch" would look like a thief.
type keeper struct {
	app        *cli.App
	connection *Connection
	store      sessionStore
	user       string
	password   string
	client     *client.Client

	signing sync.Mutex // held while signing in
}

func NewKeeper(a *cli.App, c *Connection) (*keeper, error) {
	store, err := sessions(a, c.Server)
	if err != nil {
		return nil, err
	}
	return &keeper{app: a, connection: c, store: store, user: c.User, password: Password(a)}, nil
}

// keep is told of every new state of the session.
func (k *keeper) keep(s client.Session) {
	if err := k.store.save(s); err != nil {
		k.app.Warn("%v", err)
	}
}

// Begin takes up the kept session, or signs in.
func (k *keeper) Begin(ctx context.Context) error {
	session, err := k.store.load(k.user)
	if err != nil {
		return err
	}
	if session.RefreshToken != "" && k.app.Now().Before(session.RefreshExpire) {
		k.client.Restore(session)
		return nil
	}
	if !k.CanSignIn() {
		return notSignedIn(k.connection)
	}
	return k.client.Login(ctx, k.user, k.password)
}

func (k *keeper) CanSignIn() bool { return k.user != "" && k.password != "" }

// intercept stands around every unary call, outside the client's own handling of
// tokens.
func (k *keeper) intercept(ctx context.Context, method string, request, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
	next := func() error { return invoke(ctx, method, request, reply, conn, options...) }
	switch method {
	case todokuv1.SessionService_Login_FullMethodName, todokuv1.SessionService_Logout_FullMethodName:
		return next()
	case todokuv1.SessionService_RefreshSession_FullMethodName:
		if k.exchanged(request, reply) {
			return nil
		}
		return next()
	}
	token := k.client.Session().AccessToken
	err := next()
	if status.Code(err) != codes.Unauthenticated || !k.CanSignIn() {
		return err
	}
	// The session has ended; nothing was done. Signing in costs nobody a prompt.
	if k.SignIn(ctx, token) != nil {
		return err
	}
	return next()
}

// SignIn signs in unless somebody else has since the caller saw the token.
func (k *keeper) SignIn(ctx context.Context, seen string) error {
	k.signing.Lock()
	defer k.signing.Unlock()
	if k.client.Session().AccessToken != seen {
		return nil
	}
	return k.client.Login(ctx, k.user, k.password)
}

// exchanged answers a refresh from the file when another command has made it
// already, and says whether it did. Where that command's access token has ended
// too, its refresh token is the one to exchange.
func (k *keeper) exchanged(request, reply any) bool {
	mine, ok := request.(*todokuv1.RefreshSessionRequest)
	answer, ok2 := reply.(*todokuv1.RefreshSessionResponse)
	kept, err := k.store.load(k.client.Session().User)
	if !ok || !ok2 || err != nil || kept.SessionID != k.client.Session().SessionID || kept.RefreshToken == mine.GetRefreshToken() {
		return false
	}
	if !k.app.Now().Before(kept.AccessExpire) {
		mine.RefreshToken = kept.RefreshToken
		return false
	}
	answer.Tokens = &todokuv1.SessionTokens{
		AccessToken: kept.AccessToken, AccessExpireTime: timestamppb.New(kept.AccessExpire),
		RefreshToken: kept.RefreshToken, RefreshExpireTime: timestamppb.New(kept.RefreshExpire),
	}
	return true
}
