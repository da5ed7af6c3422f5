package server

import (
	_ "embed"
	"encoding/json"
	"errors"
	"html/template"
	"io"
	"net/http"
	"time"

	"connectrpc.com/connect"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"todoku/web"
)

//go:embed status.html
var statusPage string

// handler returns what the HTTP port answers.
func (s *Server) handler() http.Handler {
	page := template.Must(template.New("status").Parse(statusPage))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = io.WriteString(w, "alive\n") // An error means that the client has disconnected.
	})
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /status", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := page.Execute(w, s.status()); err != nil {
			s.config.Logger.WarnContext(r.Context(), "status page not sent", failure(err))
		}
	})
	var around []connect.Interceptor
	for _, interceptor := range s.around() {
		around = append(around, webAround(interceptor))
	}
	s.services.RegisterWeb(mux, around...)
	mux.Handle("/", web.Handler())
	return guard(mux)
}

// guard sets headers that let a browser show pages, and nothing else.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// readyz says whether the venue takes streams and commands, and why not.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	code, state := http.StatusOK, map[string]any{"ready": true, "head": s.log.Head()}
	err := s.engine.Health()
	if !s.ready.Load() {
		err = errors.New("starting or stopping")
	}
	if err != nil {
		code, state["ready"], state["why"] = http.StatusServiceUnavailable, false, err.Error()
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(state) // An error means that the client has disconnected.
}

// status returns what the status page shows: nothing about a user.
func (s *Server) status() map[string]any {
	values := map[string]any{
		"Version": s.config.Version, "GRPC": s.GRPCAddr(), "Epoch": s.log.Epoch(), "Ready": s.ready.Load(),
		"Head": s.log.Head(), "Published": s.feed.Position(), "History": s.follower.Position(),
		"Streams": len(s.hub.List()), "Instruments": len(s.feed.Instruments()),
		"Time": s.config.Clock().UTC().Format(time.RFC3339),
	}
	if err := s.engine.Health(); err != nil {
		values["Problem"] = err.Error()
	}
	return values
}
