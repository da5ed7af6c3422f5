package doctor

import (
	"context"
	"errors"
	"time"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// feed signs in and follows the notifications for as long as quiet streams are
// watched: to the first cursor, then cut off and resumed there.
func (x *examination) feed(ctx context.Context) *Feed {
	if x.config.SignIn == nil {
		return nil
	}
	f := &Feed{}
	x.say("signing in")
	signed, err := x.config.SignIn(ctx)
	if errors.Is(err, ErrNoSession) {
		return nil
	}
	if err != nil {
		f.Error = errorText(err)
		return f
	}
	// The session's own connection may be in use.
	reply, err := signed.Sessions().OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
	if err != nil {
		f.Error = errorText(err)
		return f
	}
	ctx, cancel := context.WithTimeoutCause(ctx, x.config.Duration, errEnough)
	defer cancel()
	options := client.FeedOptions{ConnectionID: reply.GetConnectionId(), OnEnd: f.ended}
	if err := f.begin(ctx, signed, &options); err != nil {
		f.Error = errorText(err)
		return f
	}
	x.say("cut the feed off, resuming after %s", options.ResumeAfter)
	if err := f.follow(ctx, signed, options); !errors.Is(err, errEnough) {
		f.Error = errorText(err)
	}
	x.say("the feed lived %s with %d heartbeats and %d cuts", f.Lived, f.Heartbeats, len(f.Cuts))
	return f
}

// errEnough ends the feed when it was watched for long enough.
var errEnough = errors.New("watched for long enough")

// ended notes the ends of the stream that interrupted it.
func (f *Feed) ended(end client.End) {
	if end.By == client.EnderUser || end.Succeeded {
		return
	}
	f.Cuts = append(f.Cuts, FeedCut{Reason: end.Reason, Text: errorText(end.Err), Lived: Millis(end.Age)})
	f.Missing = f.Missing || end.Reason == client.ReasonGap
}

// begin follows a new stream to its first cursor.
func (f *Feed) begin(ctx context.Context, signed *client.Client, options *client.FeedOptions) error {
	began := time.Now()
	for update, err := range signed.Feed(ctx, *options) {
		if err != nil {
			return err
		}
		if hello := update.Message.GetHello(); hello != nil {
			f.Hello, f.Version = Millis(time.Since(began)), hello.GetServerVersion()
			f.Heartbeat = Millis(hello.GetHeartbeatInterval().AsDuration())
			f.Watchdog = Millis(hello.GetWatchdogInterval().AsDuration())
		}
		if update.Cursor != "" {
			options.ResumeAfter = update.Cursor
			break // That cuts the stream.
		}
	}
	return nil
}

// follow resumes the stream and counts what comes. The client itself checks that
// every response follows the one before it, the first one what was resumed after.
func (f *Feed) follow(ctx context.Context, signed *client.Client, options client.FeedOptions) error {
	began := time.Now()
	last := began
	for update, err := range signed.Feed(ctx, options) {
		now := time.Now()
		f.Lived, f.Longest = Millis(now.Sub(began)), max(f.Longest, Millis(now.Sub(last)))
		last = now
		if err != nil {
			return err
		}
		if hello := update.Message.GetHello(); hello != nil && f.Resumed == "" {
			f.ResumeTook, f.Resumed = Millis(now.Sub(began)), start(hello.GetStart())
		}
		if update.Message.GetHeartbeat() != nil {
			f.Heartbeats++
		}
	}
	return nil
}

// The ways in which a stream begins, in the protocol's words.
const (
	startReplay   = "REPLAY"
	startSnapshot = "SNAPSHOT"
	startReset    = "RESET"
)

func start(s todokuv1.Hello_Start) string {
	switch s {
	case todokuv1.Hello_START_REPLAY:
		return startReplay
	case todokuv1.Hello_START_SNAPSHOT:
		return startSnapshot
	case todokuv1.Hello_START_RESET:
		return startReset
	case todokuv1.Hello_START_UNSPECIFIED:
	}
	return s.String()
}
