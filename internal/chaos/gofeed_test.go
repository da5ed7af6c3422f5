package chaos

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// goFeed is a program that uses the Go client. It records the updates as if they had come
// in responses, one for each cursor after which it may resume.
type goFeed struct {
	spec   rawSpec
	write  func(line)
	orders chan order
	random *rand.Rand

	cursor   string
	previous string // Of the response before.
	number   uint64
	streams  int
	partial  []*todokuv1.Message
}

func runGoFeed(ctx context.Context, spec rawSpec, orders chan order, write func(line)) error {
	g := &goFeed{spec: spec, write: write, orders: orders, random: rand.New(rand.NewPCG(spec.Seed, 8))}
	for ctx.Err() == nil {
		if err := g.live(ctx); err != nil {
			return err
		}
		pause(ctx, time.Duration(20+g.random.IntN(400))*time.Millisecond)
	}
	return nil
}

// live signs in and follows the feed until the session is over.
func (g *goFeed) live(ctx context.Context) error {
	c, err := client.Dial(client.Config{Address: g.spec.Address, Plaintext: true, ClientName: g.spec.Name})
	if err != nil {
		return err
	}
	defer c.Close() //nolint:errcheck // What it has under way is of no interest.
	if c.Login(ctx, g.spec.User, apptest.Password) != nil {
		return nil // The venue is away; the caller comes again.
	}
	for ctx.Err() == nil {
		err := g.follow(ctx, c)
		if ctx.Err() != nil {
			return nil
		}
		var end *client.EndError
		switch {
		case errors.Is(err, errChanged):
		case !errors.As(err, &end):
			g.write(line{Kind: lineFault, Text: fmt.Sprintf("the feed ended with %v", err)})
		case end.Reason == client.ReasonSuperseded: // Takes it back.
		case end.Reason == client.ReasonBadCursor, end.Reason == client.ReasonBadSubscription, end.Reason == client.ReasonTooLarge:
			g.write(line{Kind: lineFault, Text: fmt.Sprintf("the feed ended with %v", err)})
		default:
			return nil
		}
		pause(ctx, time.Duration(20+g.random.IntN(200))*time.Millisecond)
	}
	return nil
}

func (g *goFeed) follow(ctx context.Context, c *client.Client) error {
	options := client.FeedOptions{Symbols: g.spec.Symbols, Presence: g.spec.Presence, AllAccounts: g.spec.All, ResumeAfter: g.cursor, InstanceID: g.spec.Name}
	options.OnEnd = func(end client.End) { g.write(line{Kind: lineEnd, Text: end.Reason}) }
	for update, err := range c.Feed(ctx, options) {
		if err != nil {
			return err
		}
		g.take(update)
		select {
		case o := <-g.orders:
			if g.obey(ctx, o, c) {
				g.partial = nil // Not processed: it comes again.
				return errChanged
			}
		default:
		}
	}
	return nil
}

// obey carries out an order of the driver; leave means that the feed must begin anew.
func (g *goFeed) obey(ctx context.Context, o order, c *client.Client) (leave bool) {
	switch o.do {
	case orderTakeOver:
		return true
	case orderSupersede:
		g.intrude(ctx, c)
	case orderPause:
		pause(ctx, o.pause)
	case orderForget:
		g.cursor = ""
		g.write(line{Kind: lineForgot})
		return true
	case orderRevoke:
		call, done := context.WithTimeout(ctx, rawCall)
		defer done()
		_ = c.Logout(call) // Where it fails the session lives on.
	case orderRead:
	case orderSubscribe: // A feed keeps the subscription of its options.
	}
	return false
}

// intrude takes the client's connection over, as another window would, and leaves.
func (g *goFeed) intrude(ctx context.Context, c *client.Client) {
	conn, err := grpc.NewClient(g.spec.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return
	}
	defer conn.Close() //nolint:errcheck // It has served.
	call, cancel := context.WithTimeout(ctx, rawCall)
	defer cancel()
	session := c.Session()
	call = metadata.AppendToOutgoingContext(call, "authorization", "Bearer "+session.AccessToken)
	stream, err := todokuv1.NewNotificationServiceClient(conn).FeedNotification(call, &todokuv1.FeedNotificationRequest{
		ConnectionId: session.ConnectionID, InstanceId: "another window",
	})
	if err == nil {
		_, _ = stream.Recv() // Attached now, or refused.
	}
}

// take writes an update down.
func (g *goFeed) take(update client.Update) {
	if update.Message.GetHello() != nil {
		g.flush("")
		g.streams++
		g.number, g.previous = 0, g.cursor
		g.write(line{Kind: lineBegin, Stream: g.streams, Request: &todokuv1.FeedNotificationRequest{
			ResumeAfter: g.cursor, Subscription: &todokuv1.Subscription{Symbols: g.spec.Symbols, Presence: g.spec.Presence, AllAccounts: g.spec.All},
		}})
		if update.Message.GetHello().GetStart() != todokuv1.Hello_START_REPLAY {
			g.previous = ""
		}
	}
	g.partial = append(g.partial, update.Message)
	if update.Cursor != "" {
		g.flush(update.Cursor)
	}
}

// flush makes a response of the messages since the last one.
func (g *goFeed) flush(cursor string) {
	if len(g.partial) == 0 {
		return
	}
	g.number++
	g.write(line{Kind: lineResponse, Stream: g.streams, Response: &todokuv1.FeedNotificationResponse{
		Messages: g.partial, Cursor: cursor, PreviousCursor: g.previous, Number: g.number,
	}})
	g.previous, g.partial = cursor, nil
	if cursor != "" {
		g.cursor = cursor
	}
}
