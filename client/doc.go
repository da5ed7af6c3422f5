// Package client is the Go client of a Todoku venue: it signs in, keeps the
// session alive, sends requests with deadlines and safe retries, and follows the
// one stream of notifications across cuts, restarts and deploys without losing or
// repeating an event.
//
//	c, err := client.Dial(client.Config{Address: "127.0.0.1:7443", Plaintext: true})
//	...
//	err = c.Login(ctx, "alice", password)
//	...
//	for update, err := range c.Feed(ctx, client.FeedOptions{Symbols: []string{"USDJPY"}}) {
//		if err != nil {
//			return err // the session is over; see [EndError]
//		}
//		fmt.Println(update.Message)
//	}
//
// Requests go through the generated clients ([Client.Orders], for example).
// Every mutating request carries an id of the caller's choice ([NewRequestID]). The
// venue carries out one id only once, so the package may retry, and so may the
// caller after [codes.DeadlineExceeded].
//
// A Client is safe for concurrent use. Close it when done; it owns one goroutine,
// which refreshes the session.
package client
