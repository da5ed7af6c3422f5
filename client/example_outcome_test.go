package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// Enters an order whose outcome becomes known even where its reply is lost, and waits
// until the stream has shown what the answer says.
func ExampleFeed_Place() {
	address, stop := exampleVenue() // bob bids 1.1 for 5000 EURUSD.
	defer stop()
	c, err := client.Dial(client.Config{Address: address, Plaintext: true})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // It ends connections; nothing is left to lose.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := c.Login(ctx, "alice", "correct horse battery staple"); err != nil {
		log.Fatal(client.Describe(err))
	}

	feed := c.NewFeed(client.FeedOptions{OnEnd: func(end client.End) {
		fmt.Println("stream ended by the", end.By, "-", end.Reason)
	}})
	following, leave := context.WithCancel(ctx)
	current, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for update, err := range feed.Updates(following) {
			if err != nil {
				return
			}
			if update.Message.GetSnapshotEnd() != nil {
				close(current)
			}
			if t := update.Message.GetTrade(); t != nil {
				fmt.Println("trade:", t.GetQuantity(), "@", t.GetPrice())
			}
		}
	}()
	select {
	case <-current: // What is done now is seen as it happens, not in the snapshot.
	case <-ctx.Done():
		log.Fatal("the stream did not begin")
	}

	outcome, err := feed.Place(ctx, &todokuv1.PlaceOrderRequest{
		ClientOrderId: client.NewRequestID(), Symbol: "EURUSD", Side: todokuv1.Side_SIDE_SELL, Quantity: "2000", Price: "1.1",
	})
	switch {
	case errors.Is(err, client.ErrOutcomeUnknown):
		log.Fatal("neither the venue nor the stream gave the outcome in time: send it again under the same client_order_id")
	case err != nil:
		log.Fatal("not done: ", client.Describe(err))
	}
	if err := feed.WaitFor(ctx, outcome.Answer.GetCursor()); err != nil {
		log.Fatal(err)
	}
	fmt.Println("answer:", outcome.Answer.GetStatus(), "- the stream is", feed.Status().State)
	leave()
	<-done
	// Output:
	// trade: 2000 @ 1.1
	// answer: ORDER_STATUS_FILLED - the stream is LIVE
	// stream ended by the USER - LEFT
}
