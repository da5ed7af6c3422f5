package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// sendOrdinary sends a lane's requests with grpc-go: one connection, a goroutine for
// each request that may be in flight.
func sendOrdinary(ctx context.Context, config OrdersConfig, l *lane) (err error) {
	conn, err := dial(config.Target.Venue)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, conn.Close()) }()
	orders := todokuv1.NewOrderServiceClient(conn)
	group, ctx := errgroup.WithContext(ctx)
	for range config.InFlight {
		group.Go(func() error {
			return l.keepPace(ctx, func(r request) error {
				l.ordinary(ctx, orders, &r)
				return nil
			})
		})
	}
	return group.Wait()
}

func dial(venue client.Config) (*grpc.ClientConn, error) {
	transport := credentials.NewTLS(venue.TLS)
	if venue.Plaintext {
		transport = insecure.NewCredentials()
	}
	conn, err := grpc.NewClient(venue.Address, append([]grpc.DialOption{grpc.WithTransportCredentials(transport)}, venue.DialOptions...)...)
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	return conn, nil
}

// ordinary sends one request and keeps the answer.
func (l *lane) ordinary(ctx context.Context, orders todokuv1.OrderServiceClient, r *request) {
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+r.user.token)
	if r.size == 1 {
		message := l.order(r, r.first)
		r.sent = time.Now()
		reply, err := orders.PlaceOrder(ctx, message)
		l.done(r, []answered{answerOf(reply.GetAnswer())}, reply.GetAnswer().GetCursor(), err)
		return
	}
	message := &todokuv1.PlaceOrdersRequest{Orders: make([]*todokuv1.PlaceOrderRequest, r.size)}
	for i := range message.GetOrders() {
		message.Orders[i] = l.order(r, r.first+uint64(i))
	}
	r.sent = time.Now()
	reply, err := orders.PlaceOrders(ctx, message)
	answers := make([]answered, 0, r.size)
	cursor := ""
	for _, a := range reply.GetAnswers() {
		answers, cursor = append(answers, answerOf(a)), a.GetCursor()
	}
	l.done(r, answers, cursor, err)
}

// order is order n of a lane as a message.
func (l *lane) order(r *request, n uint64) *todokuv1.PlaceOrderRequest {
	return &todokuv1.PlaceOrderRequest{
		ClientOrderId: l.id(n), Symbol: Symbol, Side: r.side, TimeInForce: l.timeInForce(n),
		Price: l.price(r.side, n).String(), Quantity: lotSize.String(),
	}
}

func answerOf(a *todokuv1.OrderAnswer) answered {
	id, err := strconv.ParseUint(a.GetOrderId(), 10, 64)
	return answered{id, err != nil || a.GetStatus() == todokuv1.OrderStatus_ORDER_STATUS_REJECTED}
}
