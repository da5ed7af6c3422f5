package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	todokuv1 "todoku/gen/todoku/v1"
)

// A client that is to be stopped whole, or whose program is not to take what its
// transport has, must be a program of its own with a real gRPC library. It stands in
// for a client of the run, sends its parent line by line what arrived, and leaves its
// place and its cursor to the run's own client when it comes back.

// Lines between a stand-in and its parent.
const (
	linePause  = "pause" // to it: take nothing more
	lineGoOn   = "go on"
	lineLive   = "live"   // from it: what comes from now on counts
	lineEvent  = "event"  // and its number
	lineCursor = "cursor" // and the cursor after it
	lineEnd    = "end"    // and how the stream ended
)

// standInOrder says what a stand-in attaches to.
type standInOrder struct{ Address, Connection, Token, Run string }

// StandIn is the program of a client in a process of its own: it reads its orders
// from in, writes what arrives to out, and returns when its stream has ended and in
// is closed.
func StandIn(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	var order standInOrder
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &order) != nil {
		return fmt.Errorf("%w: a stand-in without orders", ErrConfig)
	}
	commands := make(chan string)
	go func() { // Ends with in.
		defer close(commands)
		for lines.Scan() {
			commands <- lines.Text()
		}
	}()
	err := standIn(ctx, order, commands, out)
	_, failed := fmt.Fprintln(out, lineEnd, status.Convert(err).Message())
	for range commands { // Until in is closed.
	}
	return failed
}

// standIn reads a stream to its end, which is the error.
func standIn(ctx context.Context, order standInOrder, commands <-chan string, out io.Writer) error {
	conn, err := grpc.NewClient(order.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // The stream's end says more.
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+order.Token)
	service := todokuv1.NewNotificationServiceClient(conn)
	stream, err := service.FeedNotification(ctx, &todokuv1.FeedNotificationRequest{ConnectionId: order.Connection, InstanceId: order.Connection})
	if err != nil {
		return err
	}
	receipt := &todokuv1.AcknowledgeNotificationsRequest{ConnectionId: order.Connection}
	acknowledged := time.Now()
	for {
		select {
		case command := <-commands:
			if command == linePause {
				<-commands // Anything: what follows is to go on.
			}
		default:
		}
		r, err := stream.Recv()
		if err != nil {
			return err
		}
		if err := tellParent(out, order.Run, r); err != nil {
			return err
		}
		if hello := r.GetMessages(); len(hello) > 0 && hello[0].GetHello() != nil {
			receipt.AttachNumber = hello[0].GetHello().GetAttachNumber()
		}
		if time.Since(acknowledged) >= acknowledgeEvery {
			acknowledged, receipt.ResponseNumber = time.Now(), r.GetNumber()
			if _, err := service.AcknowledgeNotifications(ctx, receipt); err != nil {
				return err
			}
		}
	}
}

// tellParent writes down what a response brought, its cursor last: what stands
// before a cursor has arrived.
func tellParent(out io.Writer, run string, r *todokuv1.FeedNotificationResponse) error {
	var b strings.Builder
	for _, m := range r.GetMessages() {
		if m.GetSnapshotEnd() != nil {
			b.WriteString(lineLive + "\n")
		}
		if n, _, ok := readEvent([]byte(m.GetAnnouncement().GetText()), run); ok {
			fmt.Fprintln(&b, lineEvent, n)
		}
	}
	fmt.Fprintln(&b, lineCursor, r.GetCursor())
	_, err := io.WriteString(out, b.String())
	return err
}

// understudy is a stand-in as its parent has it.
type understudy struct {
	command *exec.Cmd
	in      io.WriteCloser
	live    chan struct{} // closed with its first live line
	done    chan struct{} // closed when it has exited

	mu     sync.Mutex // protects what follows
	events []uint64
	cursor string
	end    string
}

// startUnderstudy starts the binary as a stand-in and waits until it is live.
func startUnderstudy(ctx context.Context, binary string, order standInOrder) (*understudy, error) {
	u := &understudy{command: exec.Command(binary, "bench", "stand-in"), live: make(chan struct{}), done: make(chan struct{})} //nolint:noctx // The caller's own binary; leave ends it.
	u.command.Env = environment()
	var err error
	if u.in, err = u.command.StdinPipe(); err != nil {
		return nil, fmt.Errorf("bench: stand-in: %w", err)
	}
	out, err := u.command.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: stand-in: %w", err)
	}
	if err := u.command.Start(); err != nil {
		return nil, fmt.Errorf("bench: stand-in: %w", err)
	}
	go func() {
		defer close(u.done)
		u.read(out)
		_ = u.command.Wait() // How its stream ended is what counts.
	}()
	data, err := json.Marshal(order)
	if err == nil {
		err = u.say(string(data))
	}
	if err == nil {
		err = u.wait(ctx, u.live)
	}
	if err != nil {
		return nil, errors.Join(err, u.leave(ctx, false))
	}
	return u, nil
}

// say sends a line.
func (u *understudy) say(line string) error {
	if _, err := io.WriteString(u.in, line+"\n"); err != nil {
		return fmt.Errorf("bench: stand-in: %w", err)
	}
	return nil
}

// wait waits for something of the stand-in's, for no longer than anything may take.
func (u *understudy) wait(ctx context.Context, what <-chan struct{}) error {
	timer := time.NewTimer(startDeadline)
	defer timer.Stop()
	select {
	case <-what:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return fmt.Errorf("bench: stand-in: %w", context.DeadlineExceeded)
	}
}

func (u *understudy) read(out io.Reader) {
	live := sync.OnceFunc(func() { close(u.live) })
	for lines := bufio.NewScanner(out); lines.Scan(); {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		if word == lineLive {
			live()
			continue
		}
		u.note(word, rest)
	}
}

func (u *understudy) note(word, rest string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch word {
	case lineEvent:
		if n, err := strconv.ParseUint(rest, 10, 64); err == nil {
			u.events = append(u.events, n)
		}
	case lineCursor:
		u.cursor = rest
	case lineEnd:
		u.end = rest
	}
}

// freeze stops the program's reading, or the whole process.
func (u *understudy) freeze(whole bool) error {
	if !whole {
		return u.say(linePause)
	}
	if err := u.command.Process.Signal(syscall.SIGSTOP); err != nil {
		return fmt.Errorf("bench: stop the stand-in: %w", err)
	}
	return nil
}

// leave lets the stand-in go on, read what has arrived for it and learn how its
// stream ended, and waits for it to exit; without patience it is killed. It may be
// called again.
func (u *understudy) leave(ctx context.Context, patient bool) error {
	if !patient {
		_ = u.command.Process.Kill() // It may be gone.
		<-u.done
		return nil
	}
	_ = u.command.Process.Signal(syscall.SIGCONT) // It may not be stopped.
	_ = u.say(lineGoOn)                           // It may be gone.
	_ = u.in.Close()                              // So may the pipe.
	err := u.wait(ctx, u.done)
	return errors.Join(err, u.leave(ctx, false))
}
