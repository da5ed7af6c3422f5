package rpc

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTheCookieIsSecureBehindAProxyThatEndsTLS signs in and refreshes over https, also with
// the cookie of an earlier version, and over http.
func TestTheCookieIsSecureBehindAProxyThatEndsTLS(t *testing.T) {
	v := open(t)
	v.options.Secure = func(r *http.Request) bool { return r.Host == "desk.example.com" }
	mux := http.NewServeMux()
	v.RegisterWeb(mux)
	call := func(method, host, body string, cookies ...*http.Cookie) map[string]*http.Cookie {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, sessionPath+method, strings.NewReader(body))
		r.Host = host
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set(sessionHeader, sessionKept)
		for _, c := range cookies {
			r.AddCookie(c)
		}
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if w.Code != http.StatusOK || strings.Contains(w.Body.String(), "refreshToken\"") {
			t.Fatalf("%s: %d %s", method, w.Code, w.Body)
		}
		set := map[string]*http.Cookie{}
		for _, c := range w.Result().Cookies() {
			set[c.Name] = c
		}
		return set
	}
	const https, plain = "desk.example.com", "127.0.0.1:8080"
	login := fmt.Sprintf(`{"user":"alice","password":%q}`, password)
	want := func(set map[string]*http.Cookie) {
		t.Helper()
		c, old := set["__Secure-todoku_session"], set["todoku_session"]
		if len(set) != 2 || c == nil || c.Value == "" || !c.Secure || !c.HttpOnly || c.Path != sessionPath || c.SameSite != http.SameSiteStrictMode {
			t.Errorf("over https the cookies are %v", set)
		}
		if old == nil || old.Value != "" || old.Expires.Unix() > 1 {
			t.Errorf("the cookie of an earlier version becomes %v", old)
		}
	}
	set := call("Login", https, login)
	want(set)
	want(call("RefreshSession", https, `{}`, set["__Secure-todoku_session"]))

	set = call("Login", plain, login)
	if c := set["todoku_session"]; len(set) != 1 || c == nil || c.Value == "" || c.Secure {
		t.Errorf("over http the cookies are %v", set)
	}
	want(call("RefreshSession", https, `{}`, set["todoku_session"]))
}
