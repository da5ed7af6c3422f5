// Package web embeds the built screens and serves them to browsers. The build is in dist/,
// which is empty in the repository; `make build` fills it.
package web

import (
	"embed"
	"io/fs"
	"net/http"
	"strings"
)

//go:embed all:dist
var dist embed.FS

// policy lets a page load scripts, styles, pictures and sounds from its own origin and
// connect to it, and nothing else. Inline scripts and styles are forbidden.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; " +
	"media-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// Built says whether this binary contains the screens.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}

// Handler serves the screens. Files below assets/ are named by their content and never
// change. Any other path that is not a file gets the application, which reads the path
// itself. Without a build every request gets 404 and a text that says so.
func Handler() http.Handler {
	root, err := fs.Sub(dist, "dist")
	if err != nil || !Built() {
		return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "This binary was built without the screens; `make build` puts them in. The command line works without them: see `todoku --help`.", http.StatusNotFound)
		})
	}
	files := http.FileServerFS(root)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "Only GET here.", http.StatusMethodNotAllowed)
			return
		}
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		name := strings.TrimPrefix(r.URL.Path, "/")
		switch info, err := fs.Stat(root, name); {
		case err == nil && !info.IsDir() && strings.HasPrefix(name, "assets/"):
			h.Set("Cache-Control", "public, max-age=31536000, immutable")
		case err == nil && !info.IsDir() && name != "index.html":
			h.Set("Cache-Control", "no-cache")
		case strings.HasPrefix(name, "assets/"):
			http.NotFound(w, r) // A script of another build: the page must be loaded again.
			return
		default:
			h.Set("Cache-Control", "no-cache")
			r = r.Clone(r.Context())
			r.URL.Path = "/"
		}
		files.ServeHTTP(w, r)
	})
}
