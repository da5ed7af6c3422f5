package flood

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// pace is the time between two orders of one honest trader, or two honest sign-ins.
const (
	orderPace  = 10 * time.Millisecond
	signInPace = 100 * time.Millisecond
)

// office is the honest users: three traders, and somebody who signs in again and again.
type office struct {
	traders []*apptest.Desktop
	door    *apptest.Desktop
	orders  int // Entered so far; each has an id of its own.
}

func newOffice(t *testing.T, v *venue) *office {
	t.Helper()
	o := &office{door: apptest.NewDesktop(t, v.GRPC)}
	for _, user := range []string{"alice", "bob", "carol"} {
		d := apptest.NewDesktop(t, v.GRPC)
		d.SignIn(user)
		o.traders = append(o.traders, d)
	}
	return o
}

// work has every trader enter so many orders, and so many sign-ins made. It returns how
// long each took, sorted. An error is an order or a sign-in that failed.
func (o *office) work(ctx context.Context, orders, signIns int) (orderTimes, signInTimes []time.Duration, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*apptest.Patience)
	defer cancel()
	var all sync.WaitGroup
	var mu sync.Mutex // Protects the results.
	repeat := func(n int, pace time.Duration, times *[]time.Duration, once func(int) error) {
		all.Go(func() {
			took, e := timed(ctx, n, pace, once)
			mu.Lock()
			defer mu.Unlock()
			*times, err = append(*times, took...), errors.Join(err, e)
		})
	}
	first := o.orders
	o.orders += orders
	for _, d := range o.traders {
		repeat(orders, orderPace, &orderTimes, func(n int) error { return placeOrder(ctx, d, "o"+strconv.Itoa(first+n)) })
	}
	repeat(signIns, signInPace, &signInTimes, func(int) error { return o.signIn(ctx) })
	all.Wait()
	slices.Sort(orderTimes)
	slices.Sort(signInTimes)
	return orderTimes, signInTimes, err
}

// timed makes n calls and returns how long each took.
func timed(ctx context.Context, n int, pace time.Duration, once func(int) error) (took []time.Duration, err error) {
	ticker := time.NewTicker(pace)
	defer ticker.Stop()
	for i := range n {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return took, context.Cause(ctx)
		}
		began := time.Now()
		if err := once(i); err != nil {
			return took, err
		}
		took = append(took, time.Since(began))
	}
	return took, nil
}

// placeOrder enters an order that neither trades nor stays in the book.
func placeOrder(ctx context.Context, d *apptest.Desktop, id string) error {
	order := apptest.Limit(id, "EURUSD", todokuv1.Side_SIDE_BUY, "1000", "1.09")
	order.TimeInForce = todokuv1.TimeInForce_TIME_IN_FORCE_IOC
	if _, err := d.Orders.PlaceOrder(ctx, order); err != nil {
		return fmt.Errorf("an honest order: %w", err)
	}
	return nil
}

// signIn opens a session, as alice, and ends it.
func (o *office) signIn(ctx context.Context) error {
	reply, err := o.door.Sessions.Login(ctx, &todokuv1.LoginRequest{User: "alice", Password: apptest.Password})
	if err != nil {
		return fmt.Errorf("an honest sign-in: %w", err)
	}
	o.door.Token = reply.GetTokens().GetAccessToken()
	if _, err := o.door.Sessions.Logout(ctx, &todokuv1.LogoutRequest{}); err != nil {
		return fmt.Errorf("an honest sign-out: %w", err)
	}
	o.door.Token = ""
	return nil
}

// percentile returns the time that a share of the sorted times does not exceed.
func percentile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}
