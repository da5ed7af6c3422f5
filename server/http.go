package server

import (
	_ "embed"
	"encoding/json"
	"html/template"
	"io"
	"net/http"
	"time"

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
	mux.Handle("GET /metrics", remember(promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})))
	mux.Handle("GET /status", remember(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		if err := page.Execute(w, s.status()); err != nil {
			s.config.Logger.WarnContext(r.Context(), "status page not made", failure(err))
		}
	})))
	s.services.RegisterWeb(mux, s.around()...)
	mux.Handle("/", web.Handler())
	return bounded(s.hosts.guard(mux))
}

// readyz says whether the venue takes streams and commands, and why not.
func (s *Server) readyz(w http.ResponseWriter, _ *http.Request) {
	code, state := http.StatusOK, map[string]any{"ready": true, "head": s.log.Head()}
	if why := s.problem(); why != "" {
		code, state["ready"], state["why"] = http.StatusServiceUnavailable, false, why
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(state) // An error means that the client has disconnected.
}

// problem says why the venue takes no commands, in words that are for anybody; empty if it
// takes them. The engine's error, which may name files, was logged when it occurred.
func (s *Server) problem() string {
	switch {
	case !s.ready.Load():
		return "starting or stopping"
	case s.engine.Health() != nil:
		return "commands cannot be made durable; the server's log says why"
	}
	return ""
}

// status returns what the status page shows: nothing about a user.
func (s *Server) status() map[string]any {
	return map[string]any{
		"Version": s.config.Version, "GRPC": s.GRPCAddr(), "Epoch": s.log.Epoch(), "Ready": s.ready.Load(),
		"Head": s.log.Head(), "Published": s.feed.Position(), "History": s.follower.Position(),
		"Streams": len(s.hub.List()), "Instruments": len(s.feed.Instruments()),
		"Time": s.config.Clock().UTC().Format(time.RFC3339), "Problem": s.problem(),
	}
}
