// Command todoku is the venue and every tool for it in one binary: it serves, and as a
// client of the same API it signs in, watches, trades and administers.
//
// Settings come from flags, then the environment (TODOKU_*), then a YAML file (--config),
// then defaults. Different functions parse, validate and use them, and no other package
// reads them. The exit code is 0 for success, 1 for a refusal or failure, 2 for wrong usage
// and 3 if the venue could not be reached.
package main

import (
	"context"
	"io"
	"log"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc/grpclog"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
)

func main() {
	os.Exit(mainCode())
}

func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal ends the command in an orderly way. The second one has the system's
	// default effect and ends a command that does not react.
	context.AfterFunc(ctx, stop)
	a := &cli.App{
		In: os.Stdin, Out: os.Stdout, Errors: os.Stderr,
		LookupEnv: os.LookupEnv, Environ: os.Environ, ConfigDir: os.UserConfigDir, Now: time.Now, CompletionWait: session.PromptWait,
	}
	// Libraries log to standard error too, where a venue's log must block nobody.
	log.SetOutput(errorsOf{a})
	if os.Getenv("GRPC_GO_LOG_SEVERITY_LEVEL") == "" { // Otherwise somebody wants all of grpc's own log.
		grpclog.SetLoggerV2(grpclog.NewLoggerV2(io.Discard, io.Discard, errorsOf{a}))
	}
	return run(ctx, a, os.Args[1:])
}

// errorsOf writes to what an app's Errors is at the time of the write.
type errorsOf struct{ app *cli.App }

func (e errorsOf) Write(p []byte) (int, error) { return e.app.Errors.Write(p) }
