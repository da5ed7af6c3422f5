package rpc

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"

	todokuv1 "todoku/gen/todoku/v1"
)

// A page's refresh token is kept where no script can read it: in a cookie that
// only this server gets, and only with calls of the session service. A page asks for
// that with "Todoku-Session: cookie" when it signs in and when it refreshes; its access
// token stays in its memory. Programs omit the header and get both tokens in the
// message.

const (
	sessionHeader = "Todoku-Session"
	sessionKept   = "cookie"
	sessionCookie = "todoku_session"
	sessionPath   = "/todoku.v1.SessionService/"

	// requestTimeout is how long a request may take to arrive: it is read before the
	// caller is known.
	requestTimeout = 10 * time.Second
)

// exchange is the HTTP request behind a call of the browsers' door, and its answer.
type exchange struct {
	writer  http.ResponseWriter
	request *http.Request
}

type exchangeKey struct{}

// withExchange puts an exchange into the context of each call.
func withExchange(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &exchange{w, r}
		e.readBy(time.Now().Add(requestTimeout))
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, e)))
	})
}

// exchangeOf returns the exchange of a call that came through withExchange.
func exchangeOf(ctx context.Context) *exchange {
	e, _ := ctx.Value(exchangeKey{}).(*exchange)
	return e
}

// readBy sets the time after which reads fail; the zero time is never.
func (e *exchange) readBy(limit time.Time) {
	// Only the recorder of a test has no deadlines; it never blocks.
	_ = http.NewResponseController(e.writer).SetReadDeadline(limit)
}

// unbounded lifts the limits of the time to read the request and to send the answer.
func (e *exchange) unbounded() {
	e.readBy(time.Time{})
	_ = http.NewResponseController(e.writer).SetWriteDeadline(time.Time{}) // See readBy.
}

// writeBy makes writes fail if the client does not read them within this time.
func (e *exchange) writeBy(limit time.Duration) {
	_ = http.NewResponseController(e.writer).SetWriteDeadline(time.Now().Add(limit)) // See readBy.
}

// cookieIn gives a refresh without a token the cookie's token. A browser has one cookie
// for all its tabs, and another tab may have begun another session: a page that shows
// its access token does not get that session's tokens.
func (e *exchange) cookieIn(ctx context.Context, req connect.AnyRequest, other func(ctx context.Context, access, refresh string) bool) {
	refresh, ok := req.Any().(*todokuv1.RefreshSessionRequest)
	if !ok || refresh.GetRefreshToken() != "" || req.Header().Get(sessionHeader) != sessionKept {
		return
	}
	cookie, err := e.request.Cookie(sessionCookie)
	if err != nil || other(ctx, bearer(req.Header().Get("Authorization")), cookie.Value) {
		return
	}
	refresh.RefreshToken = cookie.Value
}

// cookieOut moves a refresh token from an answer into the cookie, and deletes the
// cookie when its session ends.
func (e *exchange) cookieOut(req connect.AnyRequest, res connect.AnyResponse) {
	var tokens *todokuv1.SessionTokens
	switch m := res.Any().(type) {
	case *todokuv1.LoginResponse:
		tokens = m.GetTokens()
	case *todokuv1.RefreshSessionResponse:
		tokens = m.GetTokens()
	case *todokuv1.LogoutResponse:
		e.setCookie(res, "", time.Unix(1, 0))
	}
	if tokens == nil || req.Header().Get(sessionHeader) != sessionKept {
		return
	}
	e.setCookie(res, tokens.GetRefreshToken(), tokens.GetRefreshExpireTime().AsTime())
	tokens.RefreshToken = ""
}

func (e *exchange) setCookie(res connect.AnyResponse, token string, expires time.Time) {
	//nolint:gosec // Secure whenever TLS is used; a venue for its own machine has none.
	cookie := &http.Cookie{
		Name: sessionCookie, Value: token, Path: sessionPath, Expires: expires,
		HttpOnly: true, Secure: e.request.TLS != nil, SameSite: http.SameSiteStrictMode,
	}
	res.Header().Add("Set-Cookie", cookie.String())
}
