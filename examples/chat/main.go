// Command chat is a chat service that pushes, built on packages push and
// push/grpcpush alone: each member of a room has one stream, resumes after a cut, and does
// not slow the others down if it does not read. docs/embedding.md explains it; chat.go is
// the service, member.go a member.
//
//	go run ./examples/chat                 # serve on 127.0.0.1:7071
//	go run ./examples/chat tea alice       # join room tea; each line is said
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	chatv1 "todoku/gen/chat/v1"
	"todoku/push"
)

const address = "127.0.0.1:7071"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		slog.ErrorContext(ctx, "the chat ended", slog.Any("error", err))
		os.Exit(1) //nolint:gocritic,forbidigo // stop only forgets a signal.
	}
}

func run(ctx context.Context, args []string) error {
	switch len(args) {
	case 0:
		return serve(ctx)
	case 2:
		return join(ctx, args[0], args[1])
	}
	return errors.New("usage: chat [ROOM NAME]")
}

func serve(ctx context.Context) error {
	c, err := newChat(push.Config{}, 1000)
	if err != nil {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	slog.InfoContext(ctx, "serving", slog.String("address", address))
	return c.serve(ctx, listener, 2*time.Second)
}

// join follows a room and says what is typed, until ctx or the input ends.
func join(ctx context.Context, room, name string) error {
	connection, err := grpc.NewClient(address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer func() { _ = connection.Close() }()
	client := chatv1.NewChatServiceClient(connection)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	// This goroutine is not waited for: reading a terminal ends only with the process.
	go func() {
		defer stop()
		for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
			request := &chatv1.SayRequest{Room: room, Name: name, Text: lines.Text()}
			if _, err := client.Say(ctx, request); err != nil {
				_, _ = fmt.Fprintln(os.Stderr, "not said:", err)
			}
		}
	}()
	return newMember(client, room, name).follow(ctx, show)
}

func show(r *chatv1.JoinResponse) {
	for _, e := range r.GetEntries() {
		if e.GetHistoryReset() != nil {
			_, _ = fmt.Fprintln(os.Stdout, "(something may have been missed; what is remembered follows)")
		}
		if post := e.GetPost(); post != nil {
			_, _ = fmt.Fprintf(os.Stdout, "%s %s: %s\n", post.GetTime().AsTime().Local().Format(time.TimeOnly), post.GetName(), post.GetText())
		}
	}
}
