package client_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// Signs in, follows the stream, trades against a bid that rests, and is shown what
// came of it.
func Example() {
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
	for update, err := range c.Feed(ctx, client.FeedOptions{}) {
		if err != nil {
			log.Fatal(client.Describe(err))
		}
		switch body := update.Message.GetBody().(type) {
		case *todokuv1.Message_SnapshotEnd: // What was is known; what is to come will come.
			reply, err := c.Orders().PlaceOrder(ctx, &todokuv1.PlaceOrderRequest{
				ClientOrderId: client.NewRequestID(), // Sent twice, it is done once.
				Symbol:        "EURUSD", Side: todokuv1.Side_SIDE_SELL, Quantity: "2000", Price: "1.1",
			})
			if err != nil {
				log.Fatal(client.Describe(err))
			}
			fmt.Println("answer:", reply.GetAnswer().GetStatus())
		case *todokuv1.Message_ExecutionReport:
			fmt.Println("report:", body.ExecutionReport.GetExecType(), body.ExecutionReport.GetOrder().GetLeavesQuantity())
		case *todokuv1.Message_Trade:
			fmt.Println("trade:", body.Trade.GetQuantity(), body.Trade.GetSymbol(), "@", body.Trade.GetPrice())
			return
		}
	}
	// Output:
	// answer: ORDER_STATUS_FILLED
	// report: EXEC_TYPE_NEW 2000
	// report: EXEC_TYPE_TRADE 0
	// trade: 2000 EURUSD @ 1.1
}
