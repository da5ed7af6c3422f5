package rpc

import (
	"context"
	"net/http"
	"time"

	"connectrpc.com/connect"

	todokuv1 "todoku/gen/todoku/v1"
)

// A page's refresh token is kept where no script can read it: in a cookie that
// only this server is sent, and only with calls of the session service. A page
// that wants it so says Todoku-Session: cookie when it signs in and when it
// refreshes; its access token lives in its memory. Programs leave the header out
// and get both tokens in the message.

// Names of what a page sends and keeps.
const (
	sessionHeader = "Todoku-Session"
	sessionKept   = "cookie"
	sessionCookie = "todoku_session"
	sessionPath   = "/todoku.v1.SessionService/"
)

// webVisit is the HTTP request behind a call of the browsers' door.
type webVisit struct {
	writer  http.ResponseWriter
	request *http.Request
}

type webVisitKey struct{}

// visited lets the calls below it find their HTTP request.
func visited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v := &webVisit{w, r}
		v.readBy(time.Now().Add(requestPatience))
		next.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), webVisitKey{}, v)))
	})
}

// requestPatience is how long a request may take to arrive: it is read before anybody
// knows who sends it.
const requestPatience = 10 * time.Second

// readBy makes what is still to be read fail from a moment on; the zero time is never.
func (v *webVisit) readBy(limit time.Time) {
	// A transport without deadlines is a test's recorder, which has everything.
	_ = http.NewResponseController(v.writer).SetReadDeadline(limit)
}

// webVisitOf returns the HTTP request of a call that came through visited.
func webVisitOf(ctx context.Context) *webVisit {
	v, _ := ctx.Value(webVisitKey{}).(*webVisit)
	return v
}

// writeBy makes what is written fail unless the client takes it within this time.
func (v *webVisit) writeBy(limit time.Duration) {
	// A transport without deadlines is a test's recorder, which never blocks.
	_ = http.NewResponseController(v.writer).SetWriteDeadline(time.Now().Add(limit))
}

// cookieIn gives a refresh without a token the cookie's. A browser has one cookie for
// all its tabs: a page that shows its access token gets no other session's, which
// somebody may have begun in another tab.
func (v *webVisit) cookieIn(ctx context.Context, req connect.AnyRequest, other func(ctx context.Context, access, refresh string) bool) {
	refresh, ok := req.Any().(*todokuv1.RefreshSessionRequest)
	if !ok || refresh.GetRefreshToken() != "" || req.Header().Get(sessionHeader) != sessionKept {
		return
	}
	cookie, err := v.request.Cookie(sessionCookie)
	if err != nil || other(ctx, bearer(req.Header().Get("Authorization")), cookie.Value) {
		return
	}
	refresh.RefreshToken = cookie.Value
}

// cookieOut moves a refresh token from an answer into the cookie, and forgets the
// cookie when its session ends.
func (v *webVisit) cookieOut(req connect.AnyRequest, res connect.AnyResponse) {
	var tokens *todokuv1.SessionTokens
	switch m := res.Any().(type) {
	case *todokuv1.LoginResponse:
		tokens = m.GetTokens()
	case *todokuv1.RefreshSessionResponse:
		tokens = m.GetTokens()
	case *todokuv1.LogoutResponse:
		v.setCookie(res, "", time.Unix(1, 0))
	}
	if tokens == nil || req.Header().Get(sessionHeader) != sessionKept {
		return
	}
	v.setCookie(res, tokens.GetRefreshToken(), tokens.GetRefreshExpireTime().AsTime())
	tokens.RefreshToken = ""
}

func (v *webVisit) setCookie(res connect.AnyResponse, token string, expires time.Time) {
	//nolint:gosec // Secure wherever TLS is spoken; a venue on its own machine speaks none.
	cookie := &http.Cookie{
		Name: sessionCookie, Value: token, Path: sessionPath, Expires: expires,
		HttpOnly: true, Secure: v.request.TLS != nil, SameSite: http.SameSiteStrictMode,
	}
	res.Header().Add("Set-Cookie", cookie.String())
}
