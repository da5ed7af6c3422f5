package flood

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"strconv"
	"strings"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
)

// flood is one kind of attack.
type flood struct {
	prepare func(ctx context.Context, a *attacker) error
	run     func(ctx context.Context, a *attacker)
	// refused is what the venue must have answered, if an attempt has ended, or "" where
	// every attempt may end in any way.
	refused string
}

// floods returns every attack by its name.
func floods() map[string]flood {
	nothing := func(context.Context, *attacker) error { return nil }
	as := func(local, user string) func(context.Context, *attacker) error {
		return func(ctx context.Context, a *attacker) error { return a.signIn(ctx, local, user) }
	}
	return map[string]flood{
		"bombs without a token":       {nothing, bombs("127.0.1.1", grpcDoor), "Unauthenticated"},
		"bombs on the web port":       {nothing, bombs("127.0.1.2", webDoor), "Unauthenticated"},
		"bombs with a token":          {as("127.0.1.3", "bomber"), bombs("127.0.1.3", grpcDoor), ""},
		"calls without a message":     {nothing, unfinishedCalls("127.0.1.4"), ""},
		"messages without their end":  {as("127.0.1.5", "holder"), unfinishedMessages("127.0.1.5"), ""},
		"sign-ins without their end":  {nothing, unfinishedMessages("127.0.1.6"), ""},
		"health watches":              {nothing, watches("127.0.1.7"), ""},
		"answers that nobody reads":   {nothing, unread("127.0.1.8"), ""},
		"pages with endless bodies":   {nothing, endless("127.0.1.9"), ""},
		"metrics and status":          {nothing, pages("127.0.1.10"), ""},
		"changes of a password":       {as("127.0.1.11", "vera"), passwords("127.0.1.11"), ""},
		"guesses from many networks":  {nothing, guesses, ""},
		"guesses at one name":         {nothing, guessesAt("127.0.1.12", "alice"), ""},
		"resting orders and lists":    {as("127.0.1.13", "whale"), orders("127.0.1.13"), ""},
		"connections and refreshes":   {as("127.0.1.14", "opener"), openings("127.0.1.14"), ""},
		"connections that do not ask": {nothing, connections("127.0.1.15"), ""},
	}
}

// connections opens connections to both ports and asks for nothing.
func connections(local string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		a.each(2000, func(n int) {
			address := []string{a.plan.GRPC, a.plan.HTTP}[n%2]
			for ctx.Err() == nil {
				a.begin()
				conn, err := from(local).DialContext(ctx, "tcp", address)
				if err != nil {
					a.count("not connected")
					return
				}
				a.untilClosed(ctx, conn)
			}
		})
	}
}

// passwords changes a password, of which the old one is wrong, 400 times at once.
func passwords(local string) func(context.Context, *attacker) {
	return a400(local, func(c *conns) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.sessions.ChangePassword(ctx, &todokuv1.ChangePasswordRequest{OldPassword: "wrong", NewPassword: "long enough to be new"})
			return err
		}
	})
}

// guessesAt guesses the password of one user from one network.
func guessesAt(local, user string) func(context.Context, *attacker) {
	return a400(local, func(c *conns) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := c.sessions.Login(ctx, &todokuv1.LoginRequest{User: user, Password: "a guess"})
			return err
		}
	})
}

// conns are the stubs over one connection.
type conns struct {
	sessions      todokuv1.SessionServiceClient
	orders        todokuv1.OrderServiceClient
	notifications todokuv1.NotificationServiceClient
}

// stubs returns stubs over a new connection.
func (a *attacker) stubs(ctx context.Context, local string) (*conns, error) {
	conn, err := a.dial(ctx, local)
	if err != nil {
		return nil, err
	}
	return &conns{todokuv1.NewSessionServiceClient(conn), todokuv1.NewOrderServiceClient(conn), todokuv1.NewNotificationServiceClient(conn)}, nil
}

// a400 repeats a call 400 times at once over one connection.
func a400(local string, call func(*conns) func(context.Context) error) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		c, err := a.stubs(ctx, local)
		if err != nil {
			a.count(err.Error())
			return
		}
		a.repeat(ctx, 400, call(c))
	}
}

// guesses signs in as made-up and real users, each time from another address.
func guesses(ctx context.Context, a *attacker) {
	a.repeat(ctx, 100, func(ctx context.Context) error {
		local := net.IPv4(127, 2, byte(rand.IntN(256)), byte(1+rand.IntN(254))).String()
		user := []string{"alice", "bob", "admin", fmt.Sprintf("u%d", rand.IntN(1_000_000))}[rand.IntN(4)]
		c := http1From(local)
		defer c.CloseIdleConnections()
		body := fmt.Sprintf(`{"user":%q,"password":"a guess"}`, user)
		return a.post(ctx, c, "http://"+a.plan.HTTP+todokuv1.SessionService_Login_FullMethodName,
			map[string]string{"Content-Type": "application/json"}, strings.NewReader(body))
	})
}

// orders rests as many orders as the venue takes, and reads and streams them.
func orders(local string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		c, err := a.stubs(ctx, local)
		if err != nil {
			a.count(err.Error())
			return
		}
		opened, err := c.sessions.OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
		if err != nil {
			a.count(err.Error())
			return
		}
		a.each(12, func(n int) {
			for ctx.Err() == nil {
				a.begin()
				var err error
				switch n % 3 {
				case 0:
					err = rest(ctx, c)
				case 1:
					_, err = c.orders.ListOrders(ctx, &todokuv1.ListOrdersRequest{PageSize: 1000})
				case 2:
					err = attachOnce(ctx, c, opened.GetConnectionId())
				}
				a.ended(ctx, err)
			}
		})
	}
}

// errRefused means that an order of a batch was refused.
var errRefused = errors.New("refused")

// rest enters a hundred orders that stay in the book.
func rest(ctx context.Context, c *conns) error {
	batch := &todokuv1.PlaceOrdersRequest{}
	for range 100 {
		batch.Orders = append(batch.Orders, apptest.Limit(fmt.Sprintf("w%d", rand.Uint64()), "USDJPY", todokuv1.Side_SIDE_BUY, "1", strconv.Itoa(1+rand.IntN(100))))
	}
	reply, err := c.orders.PlaceOrders(ctx, batch)
	if answers := reply.GetAnswers(); err == nil && answers[0].GetReason() != nil {
		return fmt.Errorf("%w: %s", errRefused, answers[0].GetReason().GetName())
	}
	return err
}

// attachOnce opens a stream and leaves after its snapshot began.
func attachOnce(ctx context.Context, c *conns, connection string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := c.notifications.FeedNotification(ctx, &todokuv1.FeedNotificationRequest{ConnectionId: connection, InstanceId: "flood"})
	if err == nil {
		_, err = stream.Recv()
	}
	return err
}

// openings opens connections and refreshes the session.
func openings(local string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		c, err := a.stubs(ctx, local)
		if err != nil {
			a.count(err.Error())
			return
		}
		a.each(16, func(n int) {
			for ctx.Err() == nil {
				a.begin()
				var err error
				if n%2 == 0 {
					_, err = c.sessions.OpenConnection(ctx, &todokuv1.OpenConnectionRequest{})
				} else {
					_, err = c.sessions.RefreshSession(ctx, &todokuv1.RefreshSessionRequest{RefreshToken: a.again})
				}
				a.ended(ctx, err)
			}
		})
	}
}

// pages gets the figures of the venue.
func pages(local string) func(context.Context, *attacker) {
	return func(ctx context.Context, a *attacker) {
		c := http1From(local)
		a.each(64, func(n int) {
			for ctx.Err() == nil {
				a.begin()
				a.ended(ctx, a.get(ctx, c, []string{"/metrics", "/status", "/readyz"}[n%3]))
			}
		})
	}
}

func (a *attacker) get(ctx context.Context, c *http.Client, path string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+a.plan.HTTP+path, nil)
	if err != nil {
		return err
	}
	response, err := c.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // It is only read.
	return errors.Join(discard(response.Body), errStatus(response.StatusCode))
}
