package grpcpush_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/descriptorpb"
	"google.golang.org/protobuf/types/dynamicpb"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"todoku/push"
	"todoku/push/grpcpush"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// responseType describes a message with the standard layout, whose entries are
// google.protobuf.StringValue.
func responseType(t testing.TB) protoreflect.MessageDescriptor {
	t.Helper()
	field := func(name string, number int32, kind descriptorpb.FieldDescriptorProto_Type) *descriptorpb.FieldDescriptorProto {
		return &descriptorpb.FieldDescriptorProto{
			Name: &name, Number: &number, Type: &kind, Label: descriptorpb.FieldDescriptorProto_LABEL_OPTIONAL.Enum(),
		}
	}
	messages := field("messages", 2, descriptorpb.FieldDescriptorProto_TYPE_MESSAGE)
	messages.Label = descriptorpb.FieldDescriptorProto_LABEL_REPEATED.Enum()
	messages.TypeName = proto.String(".google.protobuf.StringValue")
	file, err := protodesc.NewFile(&descriptorpb.FileDescriptorProto{
		Name: proto.String("test.proto"), Package: proto.String("test"), Syntax: proto.String("proto3"),
		Dependency: []string{"google/protobuf/wrappers.proto"},
		MessageType: []*descriptorpb.DescriptorProto{{
			Name: proto.String("Response"),
			Field: []*descriptorpb.FieldDescriptorProto{
				field("connection_id", 1, descriptorpb.FieldDescriptorProto_TYPE_STRING),
				messages,
				field("cursor", 3, descriptorpb.FieldDescriptorProto_TYPE_STRING),
				field("previous_cursor", 4, descriptorpb.FieldDescriptorProto_TYPE_STRING),
				field("fragment", 5, descriptorpb.FieldDescriptorProto_TYPE_BOOL),
				field("number", 6, descriptorpb.FieldDescriptorProto_TYPE_UINT64),
			},
		}},
	}, wrappersFile{})
	if err != nil {
		t.Fatal(err)
	}
	return file.Messages().ByName("Response")
}

// wrappersFile resolves the one dependency of the test's file.
type wrappersFile struct{}

func (wrappersFile) FindFileByPath(string) (protoreflect.FileDescriptor, error) {
	return wrapperspb.File_google_protobuf_wrappers_proto, nil
}

func (wrappersFile) FindDescriptorByName(protoreflect.FullName) (protoreflect.Descriptor, error) {
	return (&wrapperspb.StringValue{}).ProtoReflect().Descriptor(), nil
}

func entry(t testing.TB, text string) []byte {
	t.Helper()
	data, err := grpcpush.Standard().Encode(wrapperspb.String(text))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestAFrameIsByteForByteTheMessageItStandsFor(t *testing.T) {
	descriptor := responseType(t)
	for _, c := range []struct {
		response push.Response
		texts    []string
	}{
		{push.Response{}, nil},
		{push.Response{Number: 1, Cursor: 5, Previous: 4}, []string{"one"}},
		{push.Response{Number: 1 << 40, Cursor: 1<<64 - 1, Previous: 0, Fragment: true}, []string{"one", "", "three"}},
		{push.Response{Number: 3}, make([]string, 300)},
	} {
		for _, text := range c.texts {
			c.response.Messages = append(c.response.Messages, &push.Message{Data: entry(t, text)})
		}
		want := dynamicpb.NewMessage(descriptor)
		set := func(name string, v any) {
			want.Set(descriptor.Fields().ByName(protoreflect.Name(name)), protoreflect.ValueOf(v))
		}
		set("connection_id", "connection")
		set("cursor", cursorText(c.response.Cursor))
		set("previous_cursor", cursorText(c.response.Previous))
		set("fragment", c.response.Fragment)
		set("number", c.response.Number)
		list := want.Mutable(descriptor.Fields().ByName("messages")).List()
		for _, text := range c.texts {
			list.Append(protoreflect.ValueOfMessage(wrapperspb.String(text).ProtoReflect()))
		}
		expected, err := proto.MarshalOptions{Deterministic: true}.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}

		frame := grpcpush.NewFrame(grpcpush.Standard(), "connection", "epoch")
		frame.Set(&c.response)
		got, err := grpcpush.NewCodec().Marshal(frame)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got.Materialize(), expected) || !bytes.Equal(frame.Append(nil), expected) {
			t.Errorf("%d messages:\n got %x\nwant %x", len(c.texts), got.Materialize(), expected)
		}
		got.Free()
	}
}

// cursorText is a cursor as clients get it: none before the first publication.
func cursorText(sequence uint64) string {
	if sequence == 0 {
		return ""
	}
	return fmt.Sprint("epoch:", sequence)
}

func TestOrdinaryMessagesAreEncodedAsBefore(t *testing.T) {
	codec, standard := grpcpush.NewCodec(), encoding.GetCodecV2("proto")
	if codec.Name() != standard.Name() {
		t.Error("another name:", codec.Name())
	}
	in := structpb.NewStringValue("hello")
	got, err := codec.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	want, err := standard.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	out := &structpb.Value{}
	if err := codec.Unmarshal(mem.BufferSlice{mem.SliceBuffer(want.Materialize())}, out); err != nil || !proto.Equal(in, out) {
		t.Error(out, err)
	}
	if !bytes.Equal(got.Materialize(), want.Materialize()) {
		t.Error("encoded differently")
	}
	if _, err := codec.Marshal("no message"); err == nil {
		t.Error("took a string for a message")
	}
}

// venue is a gRPC server with one streaming method that attaches to a hub.
type venue struct {
	hub     *push.Hub
	server  *grpc.Server
	client  *grpc.ClientConn
	topics  []push.Topic
	returns chan error    // What Serve returned.
	waiting chan struct{} // A unary call waits
	goOn    chan struct{} // for this.
}

func open(t testing.TB, config push.Config, options ...grpc.DialOption) *venue {
	t.Helper()
	config.Epoch = "epoch"
	v := &venue{hub: push.NewHub(config), topics: []push.Topic{"x"}, returns: make(chan error, 16), waiting: make(chan struct{}), goOn: make(chan struct{})}
	running, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		_ = v.hub.Run(running)
	}()
	v.server = grpc.NewServer(append(grpcpush.Transports(nil), grpc.ForceServerCodecV2(grpcpush.NewCodec()))...)
	v.server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "test.Feed", HandlerType: (*any)(nil),
		Streams: []grpc.StreamDesc{{StreamName: "Open", ServerStreams: true, Handler: v.feed}},
		Methods: []grpc.MethodDesc{{MethodName: "Wait", Handler: v.wait}},
	}, v)
	var lc net.ListenConfig
	listener, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- v.server.Serve(listener) }()
	options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
	v.client, err = grpc.NewClient(listener.Addr().String(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = v.client.Close()
		stop()
		<-stopped
		v.server.Stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return v
}

func (v *venue) feed(_ any, call grpc.ServerStream) error {
	request := &wrapperspb.StringValue{}
	if err := call.RecvMsg(request); err != nil {
		return err
	}
	stream, err := v.hub.Attach(push.AttachRequest{
		Connection: request.GetValue(), User: request.GetValue(), Topics: v.topics, After: v.hub.Published(),
	})
	if err != nil {
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	err = grpcpush.Serve(call, stream, grpcpush.Standard())
	v.returns <- err
	return status.Error(codes.Aborted, string(push.ReasonOf(err)))
}

// wait answers when it is told to.
func (v *venue) wait(srv any, ctx context.Context, receive func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) { //nolint:revive // grpc-go's order.
	request := &emptypb.Empty{}
	if err := receive(request); err != nil {
		return nil, err
	}
	return interceptor(ctx, request, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/test.Feed/Wait"}, func(ctx context.Context, _ any) (any, error) {
		v.waiting <- struct{}{}
		select {
		case <-v.goOn:
			return request, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	})
}

func (v *venue) open(t testing.TB, ctx context.Context, connection string) grpc.ClientStream { //nolint:revive // The test goes first.
	t.Helper()
	call, err := v.client.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true}, "/test.Feed/Open")
	if err != nil {
		t.Fatal(err)
	}
	if err := call.SendMsg(wrapperspb.String(connection)); err != nil {
		t.Fatal(err)
	}
	if err := call.CloseSend(); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Header(); err != nil { // Headers come although nothing was published.
		t.Fatal(err)
	}
	return call
}

func (v *venue) publish(t testing.TB, text string) {
	t.Helper()
	n := v.hub.Published() + 1
	m := &push.Message{Sequence: n, Topic: "x", Data: entry(t, text)}
	if err := v.hub.Publish(push.Publication{Sequence: n, Time: time.Now(), Messages: []*push.Message{m}}); err != nil {
		t.Fatal(err)
	}
}

// patience is how long a test waits for what must come; it is reached only when a
// promise is broken.
const patience = time.Minute

func waitAttached(t *testing.T, v *venue, n int) {
	t.Helper()
	for deadline := time.Now().Add(patience); len(v.hub.List()) != n; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("%d attached, want %d", len(v.hub.List()), n)
		}
	}
}

func TestPublishedMessagesArriveOverARealConnection(t *testing.T) {
	v := open(t, push.Config{})
	descriptor := responseType(t)
	call := v.open(t, t.Context(), "c1")
	waitAttached(t, v, 1)
	for i := range 500 {
		v.publish(t, fmt.Sprint("message ", i))
	}
	previous, number := "", uint64(0)
	for got := 0; got < 500; {
		r := dynamicpb.NewMessage(descriptor)
		if err := call.RecvMsg(r); err != nil {
			t.Fatal(err)
		}
		get := func(name string) protoreflect.Value {
			return r.Get(descriptor.Fields().ByName(protoreflect.Name(name)))
		}
		if number++; get("number").Uint() != number || get("previous_cursor").String() != previous || get("connection_id").String() != "c1" {
			t.Fatalf("broken chain after %s: %v", previous, r)
		}
		previous = get("cursor").String()
		for i, list := 0, get("messages").List(); i < list.Len(); i++ {
			m := list.Get(i).Message()
			if text := m.Get(m.Descriptor().Fields().ByName("value")).String(); text != fmt.Sprint("message ", got) {
				t.Fatalf("message %d is %q", got, text)
			}
			got++
		}
	}
	v.hub.End(push.Selector{}, push.ReasonSessionRevoked, "")
	for {
		err := call.RecvMsg(dynamicpb.NewMessage(descriptor))
		if err == nil {
			continue
		}
		if s := status.Convert(err); s.Code() != codes.Aborted || s.Message() != "SESSION_REVOKED" {
			t.Errorf("ended with %v", err)
		}
		return
	}
}

func TestAClientThatNeverReadsIsEndedInTimeAndStopDoesNotHang(t *testing.T) {
	const limit = 500 * time.Millisecond
	v := open(t, push.Config{SendTimeout: limit, QueueMessages: 1 << 20, QueueBytes: 1 << 30},
		grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(64<<10))
	v.open(t, t.Context(), "never reads")
	waitAttached(t, v, 1)
	text := string(make([]byte, 32<<10))
	began := time.Now()
	for range 20 { // Far more than the window and grpc's write quota.
		v.publish(t, text)
	}
	select {
	case err := <-v.returns:
		if push.ReasonOf(err) != push.ReasonSlowConsumer {
			t.Errorf("ended with %v", err)
		}
		// How late it may be is for TestABlockedSendEndsTheStream of package push, whose
		// clock no other process holds up.
		if took := time.Since(began); took < limit {
			t.Errorf("ended after %s, limit %s", took, limit)
		}
	case <-time.After(patience):
		t.Fatal("the handler hangs in its send")
	}
	stopped := make(chan struct{})
	go func() { defer close(stopped); v.server.Stop() }()
	select {
	case <-stopped:
	case <-time.After(patience):
		t.Fatal("Stop hangs")
	}
}

func TestAClientThatGoesAwayIsForgotten(t *testing.T) {
	v := open(t, push.Config{})
	ctx, cancel := context.WithCancel(t.Context())
	v.open(t, ctx, "c1")
	waitAttached(t, v, 1)
	cancel()
	if err := <-v.returns; push.ReasonOf(err) != push.ReasonDisconnected {
		t.Errorf("ended with %v", err)
	}
	waitAttached(t, v, 0)
}

func TestTakeOverEndsTheOldCallWithItsReason(t *testing.T) {
	v := open(t, push.Config{})
	old := v.open(t, t.Context(), "same")
	waitAttached(t, v, 1)
	v.open(t, t.Context(), "same")
	err := old.RecvMsg(&emptypb.Empty{})
	for err == nil {
		err = old.RecvMsg(&emptypb.Empty{})
	}
	if status.Convert(err).Message() != "REPLACED" {
		t.Errorf("ended with %v", err)
	}
}

func BenchmarkMarshalFrame(b *testing.B) {
	for _, messages := range []int{1, 16, 300} {
		b.Run(fmt.Sprint(messages, " messages of 200 bytes"), func(b *testing.B) {
			codec, frame := grpcpush.NewCodec(), grpcpush.NewFrame(grpcpush.Standard(), "0123456789abcdef", "0123456789abcdef")
			r := &push.Response{Number: 123456, Cursor: 123456789, Previous: 123456788}
			for range messages {
				r.Messages = append(r.Messages, &push.Message{Data: make([]byte, 200)})
			}
			b.ReportAllocs()
			for b.Loop() {
				frame.Set(r)
				data, err := codec.Marshal(frame)
				if err != nil {
					b.Fatal(err)
				}
				data.Free()
			}
		})
	}
}
