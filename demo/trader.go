package demo

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"todoku/client"
)

// Waits between attempts at a venue that is unreachable or busy.
const (
	firstWait = 200 * time.Millisecond
	mostWait  = 5 * time.Second
)

// trader is the session of one demo trader. One goroutine uses it.
type trader struct {
	name     string
	password string
	client   *client.Client
	logger   *slog.Logger
	signedIn bool
}

func newTrader(config Config, name string) (*trader, error) {
	venue := config.Venue
	venue.ClientName = "demo trader"
	c, err := client.Dial(venue)
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	return &trader{name: name, password: config.Passwords[name], client: c, logger: config.Logger.With(slog.String("trader", name))}, nil
}

// call signs in where needed and sends a request until the venue has answered it,
// across restarts and overload. The request must carry an id, so that it is done only
// once. The error is a refusal of the venue's, or ctx's.
func (t *trader) call(ctx context.Context, request func(context.Context) error) error {
	for wait := firstWait; ; wait = min(2*wait, mostWait) {
		err := t.attempt(ctx, request)
		if ctx.Err() != nil || !temporary(err) {
			return err
		}
		if wait == firstWait {
			t.log(ctx, slog.LevelDebug, "venue does not answer, will retry", err)
		}
		waiting, stop := context.WithTimeout(ctx, wait/2+rand.N(wait/2)) //nolint:gosec // Jitter is no secret.
		<-waiting.Done()
		stop()
	}
}

// attempt signs in where needed and sends the request, a second time if the session
// has ended.
func (t *trader) attempt(ctx context.Context, request func(context.Context) error) error {
	before := t.signedIn
	if !before {
		if err := t.client.Login(ctx, t.name, t.password); err != nil {
			return err
		}
	}
	err := request(ctx)
	t.signedIn = status.Code(err) != codes.Unauthenticated
	if before && !t.signedIn {
		return t.attempt(ctx, request)
	}
	return err
}

// log reports an error of the venue's, or nothing if ctx has ended.
func (t *trader) log(ctx context.Context, level slog.Level, text string, err error, more ...slog.Attr) {
	if ctx.Err() == nil {
		//nolint:sloglint // Every caller passes a constant.
		t.logger.LogAttrs(ctx, level, text, append(more, slog.String("error", client.Describe(err)))...)
	}
}

// temporary says whether the same request may succeed later.
func temporary(err error) bool {
	switch status.Code(err) { //nolint:exhaustive // the other codes are answers
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted, codes.Canceled:
		return true
	}
	return false
}
