package client_test

import (
	"context"
	"log"
	"os"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/server"
)

// exampleVenue serves a whole venue in this process, in which bob bids 1.1 for
// 5000 EURUSD. An example has no test to fail: what goes wrong here ends it.
func exampleVenue() (address string, stop func()) {
	dir, err := os.MkdirTemp("", "todoku-example")
	if err != nil {
		log.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	if err := apptest.Seed(ctx, dir, apptest.Users(), apptest.Instruments()); err != nil {
		log.Fatal(err)
	}
	venue, err := server.New(ctx, apptest.Config(dir))
	if err != nil {
		log.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- venue.Run(ctx) }()
	address = venue.GRPCAddr().String()
	bob, err := client.Dial(client.Config{Address: address, Plaintext: true})
	if err != nil {
		log.Fatal(err)
	}
	if err := bob.Login(ctx, "bob", apptest.Password); err != nil {
		log.Fatal(err)
	}
	if _, err := bob.Orders().PlaceOrder(ctx, apptest.Limit("bid", "EURUSD", todokuv1.Side_SIDE_BUY, "5000", "1.1")); err != nil {
		log.Fatal(err)
	}
	return address, func() {
		cancel()
		if err := bob.Close(); err != nil {
			log.Fatal(err)
		}
		if err := <-stopped; err != nil {
			log.Fatal(err)
		}
		if err := os.RemoveAll(dir); err != nil {
			log.Fatal(err)
		}
	}
}
