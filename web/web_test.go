package web_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"todoku/web"
)

func get(t *testing.T, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	web.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
	return w
}

func TestABinaryWithoutTheScreensSaysSo(t *testing.T) {
	w := get(t, "/")
	if web.Built() {
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `<div id="root">`) {
			t.Errorf("the application is answered by %d %q", w.Code, w.Body)
		}
		return
	}
	if w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("without screens the answer is %d %q", w.Code, w.Body)
	}
}

func TestThePolicyForbidsInlineCodeAndOtherOrigins(t *testing.T) {
	if !web.Built() {
		// The policy is a page's, and there is none to give it to.
		if got := get(t, "/").Header().Get("Content-Security-Policy"); got != "" {
			t.Errorf("a sentence has the policy %q", got)
		}
		return
	}
	w := get(t, "/some/screen")
	policy := w.Header().Get("Content-Security-Policy")
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "*") || strings.Contains(policy, "http") {
		t.Errorf("the policy allows too much: %s", policy)
	}
	if regexp.MustCompile(`<script(>|[^>]*[^/]>[^<])|<style| style=| on[a-z]+=`).MatchString(w.Body.String()) {
		t.Errorf("the page has something inline: %s", w.Body)
	}
	asset := regexp.MustCompile(`/?assets/[^"]+\.js`).FindString(w.Body.String())
	if w := get(t, "/"+strings.TrimPrefix(asset, "/")); w.Code != http.StatusOK || !strings.Contains(w.Header().Get("Cache-Control"), "immutable") {
		t.Errorf("%s is answered by %d %v", asset, w.Code, w.Header())
	}
	if w := get(t, "/assets/of-another-build.js"); w.Code != http.StatusNotFound {
		t.Errorf("a script that is not there is answered by %d", w.Code)
	}
}
