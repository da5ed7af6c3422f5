package main

import (
	"context"
	"crypto/rand"
	"errors"
	mathrand "math/rand/v2"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	chatv1 "todoku/gen/chat/v1"
	"todoku/push"
)

// What a client of a stream that resumes must do: keep the newest cursor, check that each
// response continues the one before, treat a long silence as an end, and join again after
// every end of the stream whose reason allows it.

const (
	silence   = 15 * time.Second // Three heartbeats: the stream is dead, whatever TCP says.
	firstWait = 200 * time.Millisecond
	longWait  = 10 * time.Second
)

// errGap means that a response does not continue the one before. The member joins again
// after the last valid cursor.
var errGap = errors.New("a response does not continue the one before")

// member follows a room, over one stream after the other.
type member struct {
	client  chatv1.ChatServiceClient
	request *chatv1.JoinRequest // Resumes after the newest cursor.
}

func newMember(client chatv1.ChatServiceClient, room, name string) *member {
	return &member{client, &chatv1.JoinRequest{Room: room, Name: name, Instance: rand.Text()}}
}

// follow passes every response to receive, in order and none twice. It returns nil when
// ctx ends, and an error when joining again would not help.
func (m *member) follow(ctx context.Context, receive func(*chatv1.JoinResponse)) error {
	wait := firstWait
	for {
		err := m.stream(ctx, func(r *chatv1.JoinResponse) {
			wait = firstWait
			receive(r)
		})
		switch {
		case ctx.Err() != nil:
			return nil //nolint:nilerr // The caller wanted it to end.
		case status.Code(err) == codes.InvalidArgument || reasonOf(err) == push.ReasonSuperseded:
			return err
		}
		waiting, stop := context.WithTimeout(ctx, mathrand.N(wait)) //nolint:gosec // Jitter is no secret.
		<-waiting.Done()
		stop()
		wait = min(2*wait, longWait)
	}
}

// stream receives one stream to its end, or to the request to join again.
func (m *member) stream(ctx context.Context, receive func(*chatv1.JoinResponse)) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := m.client.Join(ctx, m.request)
	if err != nil {
		return err
	}
	watchdog := time.AfterFunc(silence, cancel)
	defer watchdog.Stop()
	for {
		r, err := call.Recv()
		if err != nil {
			return err
		}
		watchdog.Reset(silence)
		reset, reconnect := false, false
		for _, e := range r.GetEntries() {
			reset = reset || e.GetHistoryReset() != nil
			reconnect = reconnect || e.GetReconnect() != nil
		}
		if after := m.request.GetResumeAfter(); after != "" && !reset && after != r.GetPreviousCursor() {
			return errGap
		}
		receive(r)
		m.request.ResumeAfter = r.GetCursor()
		if reconnect {
			return nil
		}
	}
}

// reasonOf returns the server's reason for ending a stream; "" for none.
func reasonOf(err error) push.Reason {
	for _, detail := range status.Convert(err).Details() {
		if info, ok := detail.(*errdetails.ErrorInfo); ok {
			return push.Reason(info.GetReason())
		}
	}
	return ""
}
