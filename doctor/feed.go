package doctor

import (
	"context"
	"errors"
	"iter"
	"strings"
	"time"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// feed signs in and follows the notifications for as long as quiet streams are
// watched. It returns nil if nobody is signed in.
func (x *examination) feed(ctx context.Context) *Feed {
	if x.config.SignIn == nil {
		return nil
	}
	f := &Feed{}
	switch err := x.follow(ctx, f); {
	case errors.Is(err, ErrNoSession):
		return nil
	case !errors.Is(err, errWatched):
		f.Error = errorText(err)
	}
	return f
}

// errWatched ends the feed when it was watched for long enough.
var errWatched = errors.New("watched for long enough")

// follow follows the feed to its first cursor, cuts it off, and resumes it there.
func (x *examination) follow(ctx context.Context, f *Feed) error {
	x.say("signing in")
	signed, err := x.config.SignIn(ctx)
	if err != nil {
		return err
	}
	// The session's own connection may be in use.
	reply, err := signed.Sessions().OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, x.config.Duration, errWatched)
	defer cancel()
	options := client.FeedOptions{ConnectionID: reply.GetConnectionId(), OnEnd: f.ended}
	if options.ResumeAfter, err = f.begin(signed.Feed(ctx, options)); err != nil {
		return err
	}
	x.say("cut the feed off, resuming after %s", options.ResumeAfter)
	err = f.resume(signed.Feed(ctx, options))
	x.say("the feed lived %s with %d heartbeats and %d cuts", f.Lived, f.Heartbeats, len(f.Cuts))
	return err
}

// ended records each end that interrupted the feed.
func (f *Feed) ended(end client.End) {
	if end.By == client.EnderUser || end.Succeeded {
		return
	}
	f.Cuts = append(f.Cuts, FeedCut{Reason: end.Reason, Text: errorText(end.Err), Lived: Millis(end.Age)})
	f.Missing = f.Missing || end.Reason == client.ReasonGap
}

// begin follows a new stream to its first cursor and leaves it, which cuts it.
func (f *Feed) begin(updates iter.Seq2[client.Update, error]) (cursor string, _ error) {
	began := time.Now()
	for update, err := range updates {
		if err != nil {
			return "", err
		}
		if hello := update.Message.GetHello(); hello != nil {
			f.Hello, f.Version = Millis(time.Since(began)), hello.GetServerVersion()
			f.Heartbeat = Millis(hello.GetHeartbeatInterval().AsDuration())
			f.Watchdog = Millis(hello.GetWatchdogInterval().AsDuration())
		}
		if update.Cursor != "" {
			return update.Cursor, nil
		}
	}
	return "", nil
}

// startReplay is how a stream begins that resumes: the venue replays what was missed.
const startReplay = "REPLAY"

// resume counts what comes after the cut. The client itself checks that each response
// follows the one before it, and the first one the cursor.
func (f *Feed) resume(updates iter.Seq2[client.Update, error]) error {
	began := time.Now()
	last := began
	for update, err := range updates {
		now := time.Now()
		f.Lived, f.Longest = Millis(now.Sub(began)), max(f.Longest, Millis(now.Sub(last)))
		last = now
		if err != nil {
			return err
		}
		if hello := update.Message.GetHello(); hello != nil && f.Resumed == "" {
			f.ResumeTook = Millis(now.Sub(began))
			f.Resumed = strings.TrimPrefix(hello.GetStart().String(), "START_")
		}
		if update.Message.GetHeartbeat() != nil {
			f.Heartbeats++
		}
	}
	return nil
}
