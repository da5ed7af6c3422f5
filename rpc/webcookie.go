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
	// sessionCookie is the cookie's name over http. Over https it has a prefix, with which
	// no page of plaintext can set it (RFC 6265bis, 4.1.3.1). Earlier versions used the name
	// without it for both, so that is still read.
	sessionCookie = "todoku_session"
	securePrefix  = "__Secure-"
	sessionPath   = "/todoku.v1.SessionService/"
)

// cookieIn gives a refresh without a token the cookie's token. A browser has one cookie
// for all its tabs, and another tab may have begun another session: a page that shows
// its access token does not get that session's tokens.
func (e *exchange) cookieIn(ctx context.Context, req connect.AnyRequest, other func(ctx context.Context, access, refresh string) bool) {
	refresh, ok := req.Any().(*todokuv1.RefreshSessionRequest)
	if !ok || refresh.GetRefreshToken() != "" || req.Header().Get(sessionHeader) != sessionKept {
		return
	}
	cookie, err := e.request.Cookie(securePrefix + sessionCookie)
	if err != nil {
		cookie, err = e.request.Cookie(sessionCookie)
	}
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

// setCookie sets the cookie, or deletes it with a time in the past. Over https that of an
// earlier version is deleted.
func (e *exchange) setCookie(res connect.AnyResponse, token string, expires time.Time) {
	//nolint:gosec // Secure whenever the browser uses https; a venue for its own machine has none.
	cookie := &http.Cookie{
		Name: sessionCookie, Value: token, Path: sessionPath, Expires: expires,
		HttpOnly: true, Secure: e.secure, SameSite: http.SameSiteStrictMode,
	}
	if e.secure {
		earlier := *cookie //nolint:gosec // A copy of the above.
		earlier.Value, earlier.Expires = "", time.Unix(1, 0)
		res.Header().Add("Set-Cookie", earlier.String())
		cookie.Name = securePrefix + sessionCookie
	}
	res.Header().Add("Set-Cookie", cookie.String())
}
