package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"runtime"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"

	chatv1 "todoku/gen/chat/v1"
	"todoku/push"
)

// BenchmarkIdleMember reports the memory of the process for each idle member, grpc-go
// included. Each has a connection of its own. The members write HTTP/2 frames themselves, so
// that their side adds only a descriptor.
func BenchmarkIdleMember(b *testing.B) {
	const members = 2000
	for b.Loop() {
		c, err := newChat(push.Config{}, 10)
		if err != nil {
			b.Fatal(err)
		}
		var config net.ListenConfig
		listener, err := config.Listen(b.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		served := make(chan error, 1)
		go func() { served <- c.serve(ctx, listener, time.Millisecond) }()

		conns := make([]net.Conn, members)
		before := used()
		for i := range conns {
			conns[i] = joinByHand(b, listener.Addr().String(), fmt.Sprint("member ", i))
		}
		after := used()
		if live := len(c.hub.List()); live != members {
			b.Fatalf("%d of %d are members", live, members)
		}
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/members, "heap-B/member")
		b.ReportMetric(float64(after.StackInuse-before.StackInuse)/members, "stack-B/member")
		for _, conn := range conns {
			_ = conn.Close()
		}
		stop()
		if err := <-served; err != nil {
			b.Error(err)
		}
	}
}

func used() (m runtime.MemStats) {
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m
}

// joinByHand writes a Join as RFC 9113 and gRPC's PROTOCOL-HTTP2.md say, and
// returns when the first response has come.
func joinByHand(b *testing.B, address, name string) net.Conn {
	b.Helper()
	message, err := proto.Marshal(&chatv1.JoinRequest{Room: "tea", Name: name, Instance: name})
	if err != nil {
		b.Fatal(err)
	}
	var headers, out bytes.Buffer
	encoder := hpack.NewEncoder(&headers)
	for _, f := range [][2]string{
		{":method", "POST"},
		{":scheme", "http"},
		{":path", chatv1.ChatService_Join_FullMethodName},
		{":authority", address},
		{"content-type", "application/grpc"},
		{"te", "trailers"},
	} {
		_ = encoder.WriteField(hpack.HeaderField{Name: f[0], Value: f[1]}) // A buffer takes everything.
	}
	out.WriteString(http2.ClientPreface)
	framer := http2.NewFramer(&out, nil)
	prefix := binary.BigEndian.AppendUint32([]byte{0}, uint32(len(message)))
	if framer.WriteSettings() != nil ||
		framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: headers.Bytes(), EndHeaders: true}) != nil ||
		framer.WriteData(1, true, append(prefix, message...)) != nil {
		b.Fatal("a buffer refused a frame")
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(b.Context(), "tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := conn.Write(out.Bytes()); err != nil {
		b.Fatal(err)
	}
	answers := http2.NewFramer(nil, bufio.NewReaderSize(conn, 512))
	for {
		frame, err := answers.ReadFrame()
		if err != nil {
			b.Fatal(err)
		}
		if frame.Header().Type == http2.FrameData {
			return conn
		}
	}
}
