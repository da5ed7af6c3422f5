// Command todoku is the venue and every tool for it in one binary: it serves, and
// as a client of the same API it signs in, watches, trades and administers.
//
// Settings come from flags, then the environment (TODOKU_*), then a YAML file
// (--config), then defaults; they are parsed, validated and used by three
// different functions, and no other package reads any of them. The exit code is 0
// when it is done, 1 when it was refused or failed, 2 for wrong usage and 3 when
// the venue could not be reached.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	"todoku/cmd/todoku/cli"
	"todoku/cmd/todoku/session"
)

func main() {
	os.Exit(mainCode())
}

func mainCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// The first signal ends what runs in good order. Whatever does not listen is
	// ended by the second, as the system does by default.
	context.AfterFunc(ctx, stop)
	a := &cli.App{
		In: os.Stdin, Out: os.Stdout, Errors: os.Stderr,
		LookupEnv: os.LookupEnv, Environ: os.Environ, ConfigDir: os.UserConfigDir, Now: time.Now, CompletionWait: session.PromptWait,
	}
	return run(ctx, a, os.Args[1:])
}
