package rpc

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	todokuv1 "todoku/gen/todoku/v1"
)

// What requests cost that are not admitted, or that would become far larger than they are
// on the wire. The smallest entry of a batch has two bytes, and takes about 200 when it is
// decoded; compressed, a batch of half a million of them has 1 KB.

// emptyOrders is a batch of empty entries with this many bytes.
func emptyOrders(size int) []byte { return bytes.Repeat([]byte{0x0a, 0}, size/2) }

func zipped(t *testing.T, data []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write(data)
	must(t, err)
	must(t, w.Close())
	return out.Bytes()
}

// allocates returns how many bytes the process allocates during a call of run.
func allocates(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// notDecoded is more than this process's both sides of a call allocate when the request
// is not decoded, and far less than what half a million empty orders take: 100 MB.
const notDecoded = 16 << 20

func TestARequestWithoutATokenIsNeitherInflatedNorDecoded(t *testing.T) {
	v := open(t)
	payload := emptyOrders(1 << 20)
	call := func(options ...grpc.CallOption) error {
		return v.conn.Invoke(t.Context(), todokuv1.OrderService_PlaceOrders_FullMethodName, &emptypb.Empty{}, &emptypb.Empty{},
			append(options, grpc.ForceCodec(rawCodec{payload}))...)
	}
	fails(t, call(), "NO_TOKEN") // The client's first call allocates its compressor and buffers.
	for what, options := range map[string][]grpc.CallOption{"plain": nil, "gzip": {grpc.UseCompressor(grpcgzip.Name)}} {
		if got := allocates(func() { fails(t, call(options...), "NO_TOKEN") }); got > notDecoded {
			t.Errorf("%s: a call without a token allocated %d bytes", what, got)
		}
	}
}

func TestATraderCannotSendWhatBecomesFarLargerThanItIs(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	payload := emptyOrders(1 << 20)
	call := func(options ...grpc.CallOption) error {
		return v.conn.Invoke(alice.ctx, todokuv1.OrderService_PlaceOrders_FullMethodName, &emptypb.Empty{}, &emptypb.Empty{},
			append(options, grpc.ForceCodec(rawCodec{payload}))...)
	}
	for what, options := range map[string][]grpc.CallOption{"plain": nil, "gzip": {grpc.UseCompressor(grpcgzip.Name)}} {
		if got := allocates(func() { fails(t, call(options...), "REQUEST_TOO_LARGE") }); got > notDecoded {
			t.Errorf("%s: the call allocated %d bytes", what, got)
		}
	}
}

// web sends a request to the browsers' door and returns the answer and what it allocated.
func (v *venue) web(mux *http.ServeMux, method, kind, encoding, token string, body []byte) (res *httptest.ResponseRecorder, allocated uint64) {
	request := httptest.NewRequestWithContext(v.t.Context(), http.MethodPost, method, bytes.NewReader(body))
	request.Header.Set("Content-Type", kind)
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	res = httptest.NewRecorder()
	return res, allocates(func() { mux.ServeHTTP(res, request) })
}

func TestTheWebPortNeitherInflatesNorDecodesWhatItDoesNotAdmit(t *testing.T) {
	v := open(t)
	mux := http.NewServeMux()
	v.RegisterWeb(mux)
	token := v.signIn("alice").login.GetTokens().GetAccessToken()
	full := emptyOrders(1 << 20)
	text := []byte(`{"orders":[` + strings.Repeat("{},", 1<<18) + `{}]}`)
	for what, c := range map[string]struct {
		kind, encoding string
		body           []byte
	}{
		"plain":     {"application/proto", "", full},
		"gzip":      {"application/proto", "gzip", zipped(t, full)},
		"JSON":      {"application/json", "", text},
		"gzip JSON": {"application/json", "gzip", zipped(t, text)},
	} {
		res, got := v.web(mux, todokuv1.OrderService_PlaceOrders_FullMethodName, c.kind, c.encoding, "", c.body)
		if res.Code != http.StatusUnauthorized || !strings.Contains(res.Body.String(), "Sign in") || got > 1<<20 {
			t.Errorf("%s without a token: %d %s, allocated %d bytes", what, res.Code, res.Body, got)
		}
		res, got = v.web(mux, todokuv1.OrderService_PlaceOrders_FullMethodName, c.kind, c.encoding, token, c.body)
		if res.Code < http.StatusBadRequest || res.Code >= http.StatusInternalServerError || got > notDecoded {
			t.Errorf("%s of a trader: %d %.200s, allocated %d bytes", what, res.Code, res.Body, got)
		}
	}
}

// begin begins a unary call and sends no request.
func (v *venue) begin(ctx context.Context, method string) grpc.ClientStream {
	v.t.Helper()
	call, err := v.conn.NewStream(ctx, &grpc.StreamDesc{ClientStreams: true}, method)
	must(v.t, err)
	return call
}

func TestACallWithoutATokenEndsAtItsHeaders(t *testing.T) {
	v := open(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for _, method := range []string{
		todokuv1.OrderService_PlaceOrder_FullMethodName, todokuv1.SessionService_Logout_FullMethodName, todokuv1.AdminService_CreateUser_FullMethodName,
	} {
		fails(t, v.begin(ctx, method).RecvMsg(&emptypb.Empty{}), "NO_TOKEN")
	}
}

func TestARequestThatDoesNotArriveEndsItsCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := open(t)
		alice := v.signIn("alice")
		for _, c := range []struct {
			method string
			ctx    context.Context //nolint:containedctx // It has the caller's token.
		}{
			{todokuv1.SessionService_Login_FullMethodName, t.Context()},
			{todokuv1.OrderService_PlaceOrders_FullMethodName, alice.ctx},
			{todokuv1.NotificationService_FeedNotification_FullMethodName, alice.ctx},
		} {
			began := time.Now()
			ctx, cancel := context.WithTimeout(c.ctx, 2*time.Minute)
			err := v.begin(ctx, c.method).RecvMsg(&emptypb.Empty{})
			cancel()
			fails(t, err, "DEADLINE")
			if took := time.Since(began); took < requestTimeout || took > requestTimeout+time.Second {
				t.Errorf("%s ended after %s, want %s", c.method, took, requestTimeout)
			}
		}
	})
}

func TestASignInIsSmall(t *testing.T) {
	v := open(t)
	_, err := v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "alice", Password: strings.Repeat("p", 64<<10)})
	fails(t, err, "REQUEST_TOO_LARGE")
	_, err = v.session.RefreshSession(t.Context(), &todokuv1.RefreshSessionRequest{RefreshToken: strings.Repeat("t", 64<<10)})
	fails(t, err, "REQUEST_TOO_LARGE")
	mux := http.NewServeMux()
	v.RegisterWeb(mux)
	body := []byte(`{"user":"alice","password":"` + strings.Repeat("p", 64<<10) + `"}`)
	for encoding, body := range map[string][]byte{"": body, "gzip": zipped(t, body)} {
		res, _ := v.web(mux, todokuv1.SessionService_Login_FullMethodName, "application/json", encoding, "", body)
		if !strings.Contains(res.Body.String(), "resource_exhausted") {
			t.Errorf("encoded %q: %d %s", encoding, res.Code, res.Body)
		}
	}
}

func TestTheLimitOfTimeToArriveHoldsForEachRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var a arrivals
		began := time.Now()
		var alice caller
		alice.User = "alice"
		late := cutAfter{}
		for _, wait := range []time.Duration{0, time.Second, 8 * time.Second, 3 * time.Second} {
			time.Sleep(wait)
			one, err := a.enter(&alice, cutter(func(err error) { late[time.Since(began)] = err }))
			must(t, err)
			if wait == time.Second {
				must(t, a.leave(one)) // It arrived in time.
			}
		}
		time.Sleep(time.Minute)
		a.mu.Lock()
		defer a.mu.Unlock()
		want := cutAfter{10 * time.Second: errNotArrived, 19 * time.Second: errNotArrived, 22 * time.Second: errNotArrived}
		if !maps.Equal(late, want) || a.total != 0 || len(a.of) != 0 {
			t.Errorf("cut %v, want %v; %d are left", late, want, a.total)
		}
	})
}

func TestTheOldestRequestOfTheCallerWithTheMostMakesRoom(t *testing.T) {
	var a arrivals
	var cut []string
	enter := func(user string, n int) *arrival {
		var c caller
		c.User = user
		one, err := a.enter(&c, cutter(func(error) { cut = append(cut, fmt.Sprint(user, n)) }))
		must(t, err)
		return one
	}
	first := enter("flood", 0)
	for n := range maxUserArriving - 1 {
		enter("flood", n+1)
	}
	for n := range maxArriving - maxUserArriving + 1 {
		enter(fmt.Sprint("user", n), 0)
	}
	if err := a.leave(first); !slices.Equal(cut, []string{"flood0"}) || !errors.Is(err, errMakeRoom) {
		t.Errorf("cut %v, %v", cut, err)
	}
}

// cutAfter says why requests were cut, and after how long.
type cutAfter map[time.Duration]error

// cutter is a request that is cut by a function.
type cutter func(err error)

func (c cutter) cut(err error) { c(err) }

// TestCallsThatNeverSendTheirRequestsKeepNobodyOut begins more calls of one trader than may
// arrive at once.
func TestCallsThatNeverSendTheirRequestsKeepNobodyOut(t *testing.T) {
	v := open(t)
	alice, bob := v.signIn("alice"), v.signIn("bob")
	ctx, cancel := context.WithCancel(alice.ctx)
	defer cancel()
	for range 300 {
		v.begin(ctx, todokuv1.OrderService_PlaceOrder_FullMethodName)
	}
	if _, err := v.orders.ListPositions(bob.ctx, &todokuv1.ListPositionsRequest{}); err != nil {
		t.Errorf("another user: %v", err)
	}
	if _, err := v.session.Login(t.Context(), &todokuv1.LoginRequest{User: "bob", Password: password, ClientName: "test"}); status.Code(err) != codes.OK {
		t.Errorf("a sign-in: %v", err)
	}
}

// TestABurstOfWholeRequestsIsAnswered sends as many calls at once as one user may have under
// way, on one connection: their headers may all be read before the first of their requests.
func TestABurstOfWholeRequestsIsAnswered(t *testing.T) {
	v := open(t)
	alice := v.signIn("alice")
	var running sync.WaitGroup
	for range 1000 {
		running.Go(func() {
			if _, err := v.orders.ListPositions(alice.ctx, &todokuv1.ListPositionsRequest{}); err != nil {
				t.Error(err)
			}
		})
	}
	running.Wait()
}
