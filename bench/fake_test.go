package bench

import (
	"context"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// fakeVenue takes orders, remembers them, and fails on demand.
type fakeVenue struct {
	todokuv1.UnimplementedOrderServiceServer
	todokuv1.UnimplementedSessionServiceServer

	mu     sync.Mutex
	orders map[string][]*todokuv1.PlaceOrderRequest // by user
	taken  map[*todokuv1.PlaceOrderRequest]string   // venue's ids
	count  uint64
	forget int // every n-th order is acknowledged and forgotten; 0: none
	twice  int // every n-th order is listed twice
	refuse int // every n-th request fails
}

// serveFake serves a venue until the test ends and returns its address.
func serveFake(t *testing.T, v *fakeVenue, options ...grpc.ServerOption) client.Config {
	t.Helper()
	v.orders, v.taken = map[string][]*todokuv1.PlaceOrderRequest{}, map[*todokuv1.PlaceOrderRequest]string{}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(options...)
	todokuv1.RegisterOrderServiceServer(server, v)
	todokuv1.RegisterSessionServiceServer(server, v)
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return client.Config{Address: listener.Addr().String(), Plaintext: true}
}

func (v *fakeVenue) Login(_ context.Context, r *todokuv1.LoginRequest) (*todokuv1.LoginResponse, error) {
	return &todokuv1.LoginResponse{Tokens: &todokuv1.SessionTokens{AccessToken: r.GetUser()}}, nil
}

func userOf(ctx context.Context) string {
	md, _ := metadata.FromIncomingContext(ctx)
	return strings.TrimPrefix(strings.Join(md.Get("authorization"), ","), "Bearer ")
}

// take adds an order. The caller holds mu.
func (v *fakeVenue) take(user string, r *todokuv1.PlaceOrderRequest) *todokuv1.OrderAnswer {
	v.count++
	id := strconv.FormatUint(v.count, 10)
	v.taken[r] = id
	if v.forget == 0 || v.count%uint64(v.forget) != 0 {
		v.orders[user] = append(v.orders[user], r)
	}
	return &todokuv1.OrderAnswer{
		OrderId: id, ClientOrderId: r.GetClientOrderId(), Status: todokuv1.OrderStatus_ORDER_STATUS_NEW,
		FilledQuantity: "0", LeavesQuantity: r.GetQuantity(), Sequence: v.count, Cursor: "epoch:" + id,
	}
}

func (v *fakeVenue) failing() error {
	if v.refuse != 0 && v.count%uint64(v.refuse) == uint64(v.refuse-1) {
		v.count++
		return status.Error(codes.Unavailable, "not now")
	}
	return nil
}

func (v *fakeVenue) PlaceOrder(ctx context.Context, r *todokuv1.PlaceOrderRequest) (*todokuv1.PlaceOrderResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.failing(); err != nil {
		return nil, err
	}
	return &todokuv1.PlaceOrderResponse{Answer: v.take(userOf(ctx), r)}, nil
}

func (v *fakeVenue) PlaceOrders(ctx context.Context, r *todokuv1.PlaceOrdersRequest) (*todokuv1.PlaceOrdersResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if err := v.failing(); err != nil {
		return nil, err
	}
	reply := &todokuv1.PlaceOrdersResponse{}
	for _, o := range r.GetOrders() {
		reply.Answers = append(reply.Answers, v.take(userOf(ctx), o))
	}
	return reply, nil
}

func (v *fakeVenue) ListOrders(ctx context.Context, r *todokuv1.ListOrdersRequest) (*todokuv1.ListOrdersResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	at, _ := strconv.Atoi(r.GetPageToken())
	all := v.orders[userOf(ctx)]
	reply := &todokuv1.ListOrdersResponse{}
	for ; at < len(all) && len(reply.GetOrders()) < int(r.GetPageSize()); at++ {
		o := &todokuv1.Order{OrderId: v.taken[all[at]], ClientOrderId: all[at].GetClientOrderId()}
		reply.Orders = append(reply.Orders, o)
		if v.twice != 0 && (at+1)%v.twice == 0 {
			reply.Orders = append(reply.Orders, o)
		}
	}
	if at < len(all) {
		reply.NextPageToken = strconv.Itoa(at)
	}
	return reply, nil
}
