package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	chatv1 "todoku/gen/chat/v1"
	"todoku/push"
	"todoku/push/pushtest"
)

// house is a chat on a real socket.
type house struct {
	*chat
	address string
	close   func() // Drains; returns when serve has. Called once at least.
}

const drain = 200 * time.Millisecond

// open serves a chat at address, "" for any, until the test ends or it is closed.
func open(t *testing.T, memory int, address string) *house {
	t.Helper()
	return openWith(t, push.Config{}, memory, address)
}

func openWith(t *testing.T, hub push.Config, memory int, address string) *house {
	t.Helper()
	c, err := newChat(hub, memory)
	if err != nil {
		t.Fatal(err)
	}
	var config net.ListenConfig
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- c.serve(ctx, listener, drain) }()
	h := &house{chat: c, address: listener.Addr().String()}
	h.close = sync.OnceFunc(func() {
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(h.close)
	return h
}

// guest is a client with a connection of its own, which a test can cut.
type guest struct {
	chatv1.ChatServiceClient
	mu    sync.Mutex
	conns []net.Conn
}

// visit connects. The window is HTTP/2's smallest, so that a guest who does not read blocks
// the sender soon.
func visit(t *testing.T, address string) *guest {
	t.Helper()
	g := &guest{}
	client, err := grpc.NewClient(address,
		grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithInitialWindowSize(64<<10),
		grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
			var dialer net.Dialer
			conn, err := dialer.DialContext(ctx, "tcp", address)
			g.mu.Lock()
			defer g.mu.Unlock()
			if err == nil {
				g.conns = append(g.conns, conn)
			}
			return conn, err
		}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = client.Close() })
	g.ChatServiceClient = chatv1.NewChatServiceClient(client)
	return g
}

// cut breaks the connection without a close handshake, as a network does.
func (g *guest) cut() {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, conn := range g.conns {
		_ = conn.Close()
	}
	g.conns = nil
}

func (g *guest) say(t *testing.T, text string) uint64 {
	t.Helper()
	r, err := g.Say(t.Context(), &chatv1.SayRequest{Room: "tea", Name: "somebody", Text: text})
	if err != nil {
		t.Fatal(err)
	}
	return r.GetSequence()
}

// seat is one member and the posts that it has received over all its streams.
type seat struct {
	*guest
	request *chatv1.JoinRequest // Resumes after the newest cursor.
	call    grpc.ServerStreamingClient[chatv1.JoinResponse]
	streams []pushtest.Stream
	posts   []*chatv1.Post
	resets  int
	asked   bool // To join again.
}

// sit joins the room tea with a connection of its own.
func (h *house) sit(t *testing.T, name string) *seat {
	t.Helper()
	s := &seat{guest: visit(t, h.address), request: &chatv1.JoinRequest{Room: "tea", Name: name, Instance: name}}
	s.join(t)
	return s
}

// join opens a stream and waits for its first response, which comes at once.
func (s *seat) join(t *testing.T) {
	t.Helper()
	call, err := s.Join(t.Context(), s.request)
	if err != nil {
		t.Fatal(err)
	}
	s.call = call
	r, err := call.Recv()
	if err != nil {
		t.Fatal(err)
	}
	resets := s.resets
	s.streams = append(s.streams, pushtest.Stream{Resume: sequenceOf(t, r.GetPreviousCursor())})
	s.take(t, r)
	s.streams[len(s.streams)-1].Fresh = s.resets > resets
}

func (s *seat) take(t *testing.T, r *chatv1.JoinResponse) {
	t.Helper()
	stream := &s.streams[len(s.streams)-1]
	response := pushtest.Response{
		Number: uint64(len(stream.Responses) + 1), Previous: sequenceOf(t, r.GetPreviousCursor()), Cursor: sequenceOf(t, r.GetCursor()),
	}
	for _, e := range r.GetEntries() {
		switch body := e.GetBody().(type) {
		case *chatv1.Entry_Post:
			s.posts = append(s.posts, body.Post)
			response.Events = append(response.Events, pushtest.Event{Sequence: body.Post.GetSequence()})
		case *chatv1.Entry_HistoryReset:
			s.resets++
		case *chatv1.Entry_Reconnect:
			s.asked = true
		}
	}
	stream.Responses = append(stream.Responses, response)
	s.request.ResumeAfter = r.GetCursor()
}

// readTo receives until everything up to the sequence has arrived.
func (s *seat) readTo(t *testing.T, sequence uint64) {
	t.Helper()
	for sequenceOf(t, s.request.GetResumeAfter()) < sequence {
		r, err := s.call.Recv()
		if err != nil {
			t.Fatalf("after %d posts: %v", len(s.posts), err)
		}
		s.take(t, r)
	}
}

// readOut receives until the stream ends.
func (s *seat) readOut(t *testing.T) error {
	t.Helper()
	for {
		r, err := s.call.Recv()
		if err != nil {
			return err
		}
		s.take(t, r)
	}
}

// check compares what was received with what was said in the room.
func (s *seat) check(t *testing.T, said []uint64) {
	t.Helper()
	truth := make([]pushtest.Event, len(said))
	for i, sequence := range said {
		truth[i].Sequence = sequence
	}
	for _, violation := range pushtest.CheckAll(truth, s.streams, said[len(said)-1]) {
		t.Errorf("%s: %s", s.request.GetName(), violation)
	}
}

func sequenceOf(t *testing.T, cursor string) uint64 {
	t.Helper()
	c, err := push.ParseCursor(cursor)
	if err != nil {
		t.Fatalf("cursor %q: %v", cursor, err)
	}
	return c.Sequence
}

func TestAMemberResumesAfterCutsWithoutLossOrRepetition(t *testing.T) {
	h := open(t, 1000, "")
	alice, bob, carol, speaker := h.sit(t, "alice"), h.sit(t, "bob"), h.sit(t, "carol"), visit(t, h.address)
	var said []uint64
	spoken := make(chan struct{})
	go func() { // Speaks all the time, while members join.
		defer close(spoken)
		for i := range 320 {
			for _, room := range []string{"coffee", "tea"} {
				r, err := speaker.Say(t.Context(), &chatv1.SayRequest{Room: room, Name: "somebody", Text: fmt.Sprint("word ", i)})
				if err != nil {
					t.Error(err)
					return
				}
				if room == "tea" {
					said = append(said, r.GetSequence())
				}
			}
		}
	}()
	for i := range uint64(6) {
		bob.readTo(t, 100*(i+1))
		bob.cut() // While posts are in flight.
		if err := bob.readOut(t); err == nil {
			t.Fatal("no error although the connection was cut")
		}
		bob.join(t)
	}
	for speaking := true; speaking; {
		carol.join(t) // Takes her own stream over, again and again.
		select {
		case <-spoken:
			speaking = false
		default:
		}
	}
	for _, member := range []*seat{alice, bob, carol} {
		member.readTo(t, said[len(said)-1])
		member.check(t, said)
		for i, post := range member.posts {
			if post.GetText() != fmt.Sprint("word ", i) || post.GetName() != "somebody" || post.GetTime().AsTime().IsZero() {
				t.Fatalf("word %d is %v", i, post)
			}
		}
	}
	if len(bob.streams) != 7 || bob.resets != 0 {
		t.Errorf("bob had %d streams and %d resets", len(bob.streams), bob.resets)
	}
}

func TestACursorThatIsTooOldGetsAReset(t *testing.T) {
	h := open(t, 10, "")
	late, speaker := h.sit(t, "late"), visit(t, h.address)
	var said []uint64
	for range 5 {
		said = append(said, speaker.say(t, "heard"))
	}
	late.readTo(t, said[4])
	late.cut()
	_ = late.readOut(t) // The connection was cut.
	for range 20 {
		said = append(said, speaker.say(t, "missed"))
	}
	late.join(t)
	late.readTo(t, said[24])
	if late.resets != 1 || len(late.posts) != 15 || late.posts[5].GetSequence() != said[15] {
		t.Errorf("%d resets, %d posts", late.resets, len(late.posts))
	}
	late.check(t, said)

	// And so is a cursor of another run of the server.
	h.close()
	again := open(t, 10, h.address)
	late.guest = visit(t, again.address)
	late.join(t)
	if late.resets != 2 {
		t.Error("no reset although the server has forgotten everything")
	}
}

func TestAMemberThatDoesNotReadIsEndedAlone(t *testing.T) {
	h := open(t, 1000, "")
	reader, stopped, speaker := h.sit(t, "reader"), h.sit(t, "stopped"), visit(t, h.address)
	text := strings.Repeat("x", 4096)
	var said []uint64
	for len(h.hub.List()) == 2 {
		if said = append(said, speaker.say(t, text)); len(said) == 900 {
			t.Fatal("not ended although nothing is read")
		}
		reader.readTo(t, said[len(said)-1])
	}
	if ends := h.hub.Ends(); ends[0].User != "stopped" || ends[0].Reason != push.ReasonSlowConsumer {
		t.Fatalf("%s ended with %s", ends[0].User, ends[0].Reason)
	}
	for range 10 {
		said = append(said, speaker.say(t, "after"))
	}
	reader.readTo(t, said[len(said)-1])
	reader.check(t, said)

	err := stopped.readOut(t)
	if status.Code(err) != codes.ResourceExhausted || reasonOf(err) != push.ReasonSlowConsumer {
		t.Errorf("ended with %v", err)
	}
	// On a slow machine fewer posts are said before a send is blocked for too long.
	if missing := len(said) - len(stopped.posts); missing <= 10 {
		t.Errorf("only the last %d posts are missing: it was not slow", missing)
	}
	stopped.join(t)
	stopped.readTo(t, said[len(said)-1])
	stopped.check(t, said)
}

// TestDrainAsksMembersToJoinAgainAndDoesNotWaitForThem has a member that never
// reads: a drain that waited for it would not end.
func TestDrainAsksMembersToJoinAgainAndDoesNotWaitForThem(t *testing.T) {
	h := openWith(t, push.Config{SendTimeout: time.Hour}, 1000, "")
	members := []*seat{h.sit(t, "alice"), h.sit(t, "bob")}
	stuck, speaker := h.sit(t, "stuck"), visit(t, h.address)
	var last uint64
	for range 50 { // More than the window and what grpc-go takes beyond it.
		last = speaker.say(t, strings.Repeat("x", 4096))
	}
	for _, member := range members {
		member.readTo(t, last)
	}
	began := time.Now()
	h.close()
	if took := time.Since(began); took < drain {
		t.Errorf("closed after %s, members have %s to move", took, drain)
	}
	for _, member := range members {
		err := member.readOut(t)
		if !member.asked || status.Code(err) != codes.Unavailable || reasonOf(err) != push.ReasonShutdown {
			t.Errorf("%s: asked %t, ended with %v", member.request.GetName(), member.asked, err)
		}
	}
	if stuck.asked {
		t.Error("stuck was reached")
	}
}

func TestASecondStreamEndsTheFirstWithAReason(t *testing.T) {
	h := open(t, 10, "")
	first := h.sit(t, "alice")
	second := h.sit(t, "alice")
	if err := first.readOut(t); status.Code(err) != codes.Aborted || reasonOf(err) != push.ReasonReplaced {
		t.Errorf("the same client's: %v", err)
	}
	other := &seat{guest: visit(t, h.address), request: &chatv1.JoinRequest{Room: "tea", Name: "alice", Instance: "another"}}
	other.join(t)
	if err := second.readOut(t); reasonOf(err) != push.ReasonSuperseded {
		t.Errorf("another client's: %v", err)
	}
}

func TestInvalidRequestsAreRefused(t *testing.T) {
	g := visit(t, open(t, 10, "").address)
	long := strings.Repeat("x", 65)
	for _, request := range []*chatv1.SayRequest{
		{Name: "a", Text: "x"},
		{Room: long, Name: "a", Text: "x"},
		{Room: "a", Text: "x"},
		{Room: "a", Name: "a"},
		{Room: "a", Name: "a", Text: strings.Repeat("x", 4097)},
	} {
		if _, err := g.Say(t.Context(), request); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: %v", request, err)
		}
	}
	for _, request := range []*chatv1.JoinRequest{{Name: "a"}, {Room: "a", Name: long}, {Room: "a", Name: "a", ResumeAfter: "7"}} {
		call, err := g.Join(t.Context(), request)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.Recv(); status.Code(err) != codes.InvalidArgument {
			t.Errorf("%v: %v", request, err)
		}
	}
}

// TestTheServiceIsSmall checks what docs/embedding.md says of the example.
func TestTheServiceIsSmall(t *testing.T) {
	source, err := os.ReadFile("chat.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(source, []byte("\n")); lines > 150 {
		t.Errorf("the service has %d lines, 150 are promised", lines)
	}
}
