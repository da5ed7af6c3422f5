package main

import (
	"context"
	"crypto/rand"
	"errors"
	"net"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"

	chatv1 "todoku/gen/chat/v1"
	"todoku/push"
	"todoku/push/grpcpush"
)

// domain is that of the chat's errors (google.rpc.ErrorInfo.domain).
const domain = "chat"

// chat is the whole service. Say and attach hold one lock, so that a member gets every post
// exactly once: in its opening or live.
type chat struct {
	chatv1.UnimplementedChatServiceServer
	hub    *push.Hub
	memory int // How many posts are remembered.

	mu        sync.Mutex      // Protects what follows and keeps Publish and Attach apart.
	posts     []*push.Message // The newest of all rooms, oldest first.
	forgotten uint64          // Sequence of the newest post that was removed from posts.
}

// newChat returns a chat that keeps a number of posts in memory. Every run has a new epoch:
// a cursor of an earlier run gets a HistoryReset.
func newChat(config push.Config, memory int) (*chat, error) {
	config.Epoch, config.Encoder = rand.Text(), encoder{}
	config.AckTimeout = -1     // Clients do not acknowledge.
	config.StreamsPerUser = -1 // Names are taken on trust: a limit would have no effect.
	c := &chat{hub: push.NewHub(config), memory: memory, forgotten: 1}
	// Posts begin after 1: a cursor at 0 is not sent, so no member could resume there.
	return c, errors.Join(config.Validate(), c.hub.Seed(c.forgotten, nil))
}

// serve serves until ctx ends. Then members are asked to join again, and ended after drain.
func (c *chat) serve(ctx context.Context, listener net.Listener, drain time.Duration) error {
	server := grpc.NewServer(grpc.ForceServerCodecV2(grpcpush.NewCodec()))
	chatv1.RegisterChatServiceServer(server, c)
	running, stop := context.WithCancel(context.WithoutCancel(ctx)) // Drain needs a running hub.
	work, ctx := errgroup.WithContext(ctx)
	work.Go(func() error { return c.hub.Run(running) })
	work.Go(func() error { return server.Serve(listener) })
	<-ctx.Done()
	err := c.hub.Drain(running, drain/2, drain)
	force := time.AfterFunc(time.Second, server.Stop) // A member that does not read blocks GracefulStop.
	server.GracefulStop()
	force.Stop()
	stop()
	return errors.Join(err, work.Wait())
}

// Say publishes a post. It does not wait for members.
func (c *chat) Say(_ context.Context, r *chatv1.SayRequest) (*chatv1.SayResponse, error) {
	if outside(r.GetRoom(), 64) || outside(r.GetName(), 64) || outside(r.GetText(), 4096) {
		return nil, status.Error(codes.InvalidArgument, "room and name have 1 to 64 bytes, text 1 to 4096")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	sequence, now := c.hub.Published()+1, time.Now()
	body := &chatv1.Post{Sequence: sequence, Name: r.GetName(), Text: r.GetText(), Time: timestamppb.New(now)}
	post := &push.Message{Sequence: sequence, Topic: push.Topic(r.GetRoom()), Data: entry(&chatv1.Entry{Body: &chatv1.Entry_Post{Post: body}})}
	if c.posts = append(c.posts, post); len(c.posts) > c.memory {
		c.forgotten, c.posts = c.posts[0].Sequence, c.posts[1:]
	}
	return &chatv1.SayResponse{Sequence: sequence}, c.hub.Publish(push.Publication{Sequence: sequence, Time: now, Messages: []*push.Message{post}})
}

// Join sends what was said after the cursor, then what is said from now on.
func (c *chat) Join(r *chatv1.JoinRequest, call grpc.ServerStreamingServer[chatv1.JoinResponse]) error {
	cursor, err := push.ParseCursor(r.GetResumeAfter())
	if err != nil && r.GetResumeAfter() != "" || outside(r.GetRoom(), 64) || outside(r.GetName(), 64) {
		return status.Error(codes.InvalidArgument, "room and name have 1 to 64 bytes, resume_after is a cursor or empty")
	}
	stream, err := c.attach(r, cursor)
	if err != nil {
		return grpcpush.Status(err, domain)
	}
	return grpcpush.Status(grpcpush.Serve(call, stream, layout()), domain)
}

func (c *chat) attach(r *chatv1.JoinRequest, cursor push.Cursor) (*push.Stream, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	topic, head, after := push.Topic(r.GetRoom()), c.hub.Published(), c.forgotten
	var hello []byte // Without it the first response is empty and brings the cursor at once.
	if cursor.Epoch == c.hub.Epoch() && after <= cursor.Sequence && cursor.Sequence <= head {
		after = cursor.Sequence
	} else if cursor.Epoch != "" {
		hello = entry(&chatv1.Entry{Body: &chatv1.Entry_HistoryReset{HistoryReset: &chatv1.HistoryReset{}}})
	}
	var missed []push.Group
	for _, post := range c.posts {
		if post.Topic == topic && post.Sequence > after {
			missed = append(missed, push.Group{Messages: []*push.Message{post}, Sequence: post.Sequence})
		}
	}
	return c.hub.Attach(push.AttachRequest{
		Connection: strconv.Quote(r.GetRoom()) + r.GetName(), Instance: r.GetInstance(), User: r.GetName(),
		Topics: []push.Topic{topic}, After: head, Resume: after, Opening: push.Groups(missed...),
		Hello: func(push.HelloInfo) []byte { return hello },
	})
}

func outside(text string, limit int) bool { return text == "" || len(text) > limit }

// layout has the numbers of the fields of JoinResponse that push fills in.
func layout() grpcpush.Layout { return grpcpush.Layout{Messages: 1, Cursor: 2, Previous: 3} }

// entry returns an entry of JoinResponse as push.Message.Data has it.
func entry(e *chatv1.Entry) []byte {
	data, _ := layout().Encode(e) // It fails only for invalid UTF-8, which gRPC refuses.
	return data
}

// encoder makes push's own messages. A heartbeat is a response without entries.
type encoder struct{ push.NopEncoder }

func (encoder) Reconnect(push.ReconnectInfo) []byte {
	return entry(&chatv1.Entry{Body: &chatv1.Entry_Reconnect{Reconnect: &chatv1.Reconnect{}}})
}
