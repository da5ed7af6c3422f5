package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"google.golang.org/grpc/metadata"

	"todoku/client"
	todokuv1 "todoku/gen/todoku/v1"
)

// A client that is stopped whole, or whose program does not take what its transport has
// received, must be a program of its own with a real gRPC library. It stands in for a
// client of the run and reports what arrived. When it has left, the run's own client
// continues with its connection and cursor.

// standInOrder says what a stand-in attaches to. It is the first JSON value on its
// standard input. A second value makes it stop reading, the end of the input makes it go
// on.
type standInOrder struct{ Address, Connection, Token, Run string }

// standInReport is what one response brought, in JSON on the stand-in's standard output.
// The parent counts what it has read whole.
type standInReport struct {
	Live   bool
	Events []uint64
	Cursor string
}

// StandIn is the program of a client in a process of its own. It returns when its stream
// has ended and in is closed.
func StandIn(ctx context.Context, in io.Reader, out io.Writer) error {
	var order standInOrder
	input := json.NewDecoder(in)
	if err := input.Decode(&order); err != nil {
		return fmt.Errorf("%w: a stand-in without orders: %w", ErrConfig, err)
	}
	pause, end := make(chan struct{}), make(chan struct{})
	go func() { // Ends with in.
		defer close(end)
		var value any
		if input.Decode(&value) == nil {
			close(pause)
			_ = input.Decode(&value) // Only the end of the input follows.
		}
	}()
	err := standIn(ctx, order, func() {
		if closed(pause) {
			<-end
		}
	}, json.NewEncoder(out))
	<-end
	return err
}

// standIn reads a stream to its end, which is no error, and calls ready before each
// response.
func standIn(ctx context.Context, order standInOrder, ready func(), out *json.Encoder) error {
	conn, err := dial(client.Config{Address: order.Address, Plaintext: true})
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // Nothing is under way any more.
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+order.Token)
	service := todokuv1.NewNotificationServiceClient(conn)
	stream, err := service.FeedNotification(ctx, &todokuv1.FeedNotificationRequest{ConnectionId: order.Connection, InstanceId: order.Connection})
	if err != nil {
		return err
	}
	ack := &todokuv1.AcknowledgeNotificationsRequest{ConnectionId: order.Connection}
	acknowledged := time.Now()
	for {
		ready()
		r, err := stream.Recv()
		if err != nil {
			return nil // The server knows why it ended the stream.
		}
		report := standInReport{Cursor: r.GetCursor()}
		for _, m := range r.GetMessages() {
			report.Live = report.Live || m.GetSnapshotEnd() != nil
			if n, _, ok := readEvent([]byte(m.GetAnnouncement().GetText()), order.Run); ok {
				report.Events = append(report.Events, n)
			}
			if hello := m.GetHello(); hello != nil {
				ack.AttachNumber = hello.GetAttachNumber()
			}
		}
		if err := out.Encode(report); err != nil {
			return err
		}
		if time.Since(acknowledged) >= acknowledgeEvery {
			acknowledged, ack.ResponseNumber = time.Now(), r.GetNumber()
			if _, err := service.AcknowledgeNotifications(ctx, ack); err != nil {
				return nil // As above.
			}
		}
	}
}

// standInProcess is a stand-in as its parent sees it.
type standInProcess struct {
	command *exec.Cmd
	in      io.WriteCloser
	live    chan struct{} // closed when its stream is live
	done    chan struct{} // closed when it has exited

	// Of all reports; written before done.
	events []uint64
	cursor string
}

// startStandIn starts this program as a stand-in and waits until it is live.
func startStandIn(ctx context.Context, order standInOrder) (*standInProcess, error) {
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("bench: stand-in: %w", err)
	}
	s := &standInProcess{command: exec.Command(binary, "bench", "stand-in"), live: make(chan struct{}), done: make(chan struct{})} //nolint:gosec,noctx // This program; leave ends it.
	s.command.Env = environment()
	in, err1 := s.command.StdinPipe()
	out, err2 := s.command.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("bench: stand-in: %w", err)
	}
	if err := s.command.Start(); err != nil {
		return nil, fmt.Errorf("bench: stand-in: %w", err)
	}
	s.in = in
	go func() {
		defer close(s.done)
		s.read(out)
		_ = s.command.Wait() // The server knows how the stream ended.
	}()
	if err = s.say(order); err == nil {
		err = waitFor(ctx, s.live, startDeadline)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bench: stand-in: %w", err), s.leave(ctx, false))
	}
	return s, nil
}

// say sends a value.
func (s *standInProcess) say(value any) error {
	return json.NewEncoder(s.in).Encode(value)
}

func (s *standInProcess) read(out io.Reader) {
	live := sync.OnceFunc(func() { close(s.live) })
	for decoder := json.NewDecoder(out); ; {
		var r standInReport
		if decoder.Decode(&r) != nil {
			return
		}
		s.events, s.cursor = append(s.events, r.Events...), r.Cursor
		if r.Live {
			live()
		}
	}
}

// freeze stops the program's reading, or the whole process.
func (s *standInProcess) freeze(whole bool) (err error) {
	if whole {
		err = stop(s.command.Process)
	} else {
		err = s.say("pause")
	}
	if err != nil {
		return fmt.Errorf("bench: freeze the stand-in: %w", err)
	}
	return nil
}

// leave lets the stand-in read what has arrived for it up to the end of its stream and
// exit, or, without patience, kills it. It may be called again.
func (s *standInProcess) leave(ctx context.Context, patient bool) (err error) {
	if patient {
		_ = resume(s.command.Process) // It may not be stopped.
		_ = s.in.Close()              // It may have exited.
		if err = waitFor(ctx, s.done, startDeadline); err != nil {
			err = fmt.Errorf("bench: the stand-in does not exit: %w", err)
		}
	}
	_ = s.command.Process.Kill() // It may have exited.
	<-s.done
	return err
}
