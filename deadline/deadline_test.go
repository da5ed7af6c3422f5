package deadline_test

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/test/bufconn"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/known/emptypb"

	"todoku/deadline"
	_ "todoku/gen/todoku/v1" // registers the services
)

// offered returns the methods of the API by full name.
func offered(t *testing.T) map[string]protoreflect.MethodDescriptor {
	t.Helper()
	found := map[string]protoreflect.MethodDescriptor{}
	protoregistry.GlobalFiles.RangeFilesByPackage("todoku.v1", func(file protoreflect.FileDescriptor) bool {
		for i := range file.Services().Len() {
			service := file.Services().Get(i)
			for j := range service.Methods().Len() {
				m := service.Methods().Get(j)
				found["/"+string(service.FullName())+"/"+string(m.Name())] = m
			}
		}
		return true
	})
	if len(found) < 40 {
		t.Fatalf("only %d methods are registered", len(found))
	}
	return found
}

func TestEveryMethodHasAPolicy(t *testing.T) {
	for name, m := range offered(t) {
		p, ok := deadline.Of(name)
		_, method, _ := strings.Cut(name[1:], "/")
		reads := strings.HasPrefix(method, "Get") || strings.HasPrefix(method, "List")
		switch {
		case !ok:
			t.Errorf("%s has no policy in the schema", name)
		case m.IsStreamingServer() || m.IsStreamingClient():
			if p != (deadline.Policy{}) {
				t.Errorf("%s is a stream and would be cut or opened twice: %+v", name, p)
			}
		case p.Client <= 0 || p.Server <= p.Client:
			t.Errorf("%s: the client's deadline must be the one that ends a call: %+v", name, p)
		case reads && p.Client != 3*time.Second:
			t.Errorf("%s is a read by its name, and has %s", name, p.Client)
		}
	}
	if p, ok := deadline.Of("/todoku.v1.OrderService/Forgotten"); ok {
		t.Errorf("a method that is not there has %+v", p)
	}
}

func TestTheServiceConfigNamesEveryMethodOnce(t *testing.T) {
	var config struct {
		MethodConfig []struct {
			Name []struct{ Service, Method string }
		}
	}
	if err := json.Unmarshal([]byte(deadline.ServiceConfig()), &config); err != nil {
		t.Fatal(err)
	}
	left := offered(t)
	for _, group := range config.MethodConfig {
		for _, n := range group.Name {
			name := "/" + n.Service + "/" + n.Method
			if _, ok := left[name]; !ok {
				t.Errorf("%s is named twice, or is not a method", name)
			}
			delete(left, name)
		}
	}
	for name := range left {
		t.Errorf("%s is not named", name)
	}
}

// venue answers every method UNAVAILABLE and records the deadlines of the calls.
type venue struct {
	mu    sync.Mutex // protects what follows
	asked []time.Duration
}

// take records the time that a call may take; 0 for any.
func (v *venue) take(_ any, stream grpc.ServerStream) error {
	if err := stream.RecvMsg(&emptypb.Empty{}); err != nil {
		return err
	}
	var left time.Duration
	if at, ok := stream.Context().Deadline(); ok {
		left = time.Until(at)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.asked = append(v.asked, left)
	return status.Error(codes.Unavailable, "")
}

// call makes a call through grpc-go and returns the deadlines of its attempts.
func (v *venue) call(t *testing.T, conn *grpc.ClientConn, method string) []time.Duration {
	t.Helper()
	v.mu.Lock()
	v.asked = nil
	v.mu.Unlock()
	if err := conn.Invoke(t.Context(), method, &emptypb.Empty{}, &emptypb.Empty{}); status.Code(err) != codes.Unavailable {
		t.Fatalf("%s: %v", method, err)
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.asked
}

// dial serves the venue to a plain grpc-go client with a service config.
func (v *venue) dial(t *testing.T, config string) *grpc.ClientConn {
	t.Helper()
	listener := bufconn.Listen(1 << 16)
	server := grpc.NewServer(grpc.UnknownServiceHandler(v.take))
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(listener) })
	conn, err := grpc.NewClient("passthrough:///venue",
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(config))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = conn.Close()
		server.Stop()
		serving.Wait()
	})
	return conn
}

func TestTheServiceConfigWorksInAPlainClient(t *testing.T) {
	for method, want := range map[string]struct {
		deadline time.Duration
		attempts int
	}{
		"/todoku.v1.MarketService/GetBook":                 {3 * time.Second, 3},
		"/todoku.v1.OrderService/PlaceOrder":               {8 * time.Second, 3},
		"/todoku.v1.SessionService/ChangePassword":         {8 * time.Second, 1},
		"/todoku.v1.NotificationService/FeedNotification":  {0, 1},
		"/todoku.v1.AdminService/ExportJournal":            {0, 1},
		"/grpc.health.v1.Health/Check":                     {0, 1}, // The prober decides.
		"/todoku.v1.NotificationService/ListNotifications": {3 * time.Second, 3},
	} {
		synctest.Test(t, func(t *testing.T) { // Only the waits between attempts take time.
			v := &venue{}
			asked := v.call(t, v.dial(t, deadline.ServiceConfig()), method)
			if len(asked) != want.attempts {
				t.Errorf("%s was sent %d times, want %d", method, len(asked), want.attempts)
			}
			if first := asked[0]; first != want.deadline {
				t.Errorf("%s had %s, want %s", method, first, want.deadline)
			}
			v = &venue{}
			if asked := v.call(t, v.dial(t, deadline.Retries()), method); asked[0] != 0 {
				t.Errorf("%s had %s without a timeout in the config", method, asked[0])
			} else if !strings.Contains(method, "Health") && len(asked) != want.attempts {
				t.Errorf("%s was sent %d times without timeouts, want %d", method, len(asked), want.attempts)
			}
		})
	}
}

func TestRetriesStopAtAVenueThatIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &venue{}
		conn := v.dial(t, deadline.ServiceConfig())
		for range 4 {
			v.call(t, conn, "/todoku.v1.MarketService/GetBook")
		}
		if asked := v.call(t, conn, "/todoku.v1.MarketService/GetBook"); len(asked) != 1 {
			t.Errorf("the fifth call in a row was sent %d times", len(asked))
		}
	})
}

func TestTheTimeoutsPageHasTheValues(t *testing.T) {
	page, err := os.ReadFile("../docs/timeouts.md")
	if err != nil {
		t.Fatal(err)
	}
	for row, method := range map[string]string{
		"| read |":   "/todoku.v1.MarketService/GetBook",
		"| write |":  "/todoku.v1.OrderService/PlaceOrder",
		"| stream |": "/todoku.v1.NotificationService/FeedNotification",
	} {
		p, _ := deadline.Of(method)
		cells := " none | none | no |"
		if p.Retried {
			cells = " " + strings.Join([]string{short(p.Client), short(p.Server), "yes"}, " | ") + " |"
		}
		if !strings.Contains(string(page), row+cells) {
			t.Errorf("docs/timeouts.md does not say %s%s", row, cells)
		}
	}
}

// short returns a duration as pages write it, "3 s".
func short(d time.Duration) string { return strings.TrimSuffix(d.String(), "s") + " s" }
