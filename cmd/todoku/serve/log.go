package serve

import (
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"todoku/cmd/todoku/cli"
	"todoku/server"
)

// lastLines bounds how long the end of the process waits for the reader of its output.
const lastLines = time.Second

// startLog makes the logger, which writes one line per fact to standard error. From then
// on neither output blocks the venue when its reader stops, nor ends it when the reader
// exits.
func startLog(a *cli.App, o *Options) error {
	var from slog.Level
	if err := from.UnmarshalText([]byte(o.logLevel)); err != nil {
		return err // The flag takes the names of levels only.
	}
	text := o.logFormat == "text" || o.logFormat == "auto" && cli.IsTerminal(a.Errors)
	handler := func(w io.Writer) slog.Handler {
		options := slog.HandlerOptions{Level: from}
		if text {
			return slog.NewTextHandler(w, &options)
		}
		return slog.NewJSONHandler(w, &options)
	}
	// Without this the runtime ends the process when standard output or error has lost its
	// reader. The signal itself is of no use.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGPIPE)
	out := server.NewLogWriter(a.Out, nil)
	errs := server.NewLogWriter(a.Errors, func(w io.Writer, lines uint64) {
		slog.New(handler(w)).Error("log lines were dropped: the reader of the log did not take them", slog.Uint64("lines", lines))
	})
	a.Out, a.Errors = out, errs
	a.AtEnd(func() {
		out.Close(lastLines)
		errs.Close(lastLines)
	})
	o.Config.Logger, o.Config.DroppedLogLines = slog.New(handler(errs)), errs.Dropped
	return nil
}
