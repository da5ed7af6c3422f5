package bench

import (
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"
)

// poller reads thousands of sockets from one goroutine. Go's own poller would wake a
// goroutine for each of them, which costs about as much CPU as a delivery costs the server.
// Not safe for concurrent use.
type poller struct {
	epoll  int
	ready  [512]syscall.EpollEvent
	buffer [64 << 10]byte
}

func newPoller() (*poller, error) {
	epoll, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("bench: epoll: %w", err)
	}
	return &poller{epoll: epoll}, nil
}

// close ends the poller; whoever opened a socket closes it.
func (p *poller) close() { _ = syscall.Close(p.epoll) }

// dial connects. receive is the size of the socket's receive buffer, 0 for the
// system's. More sockets than a process may open are an error that says so: Go
// itself raises the soft limit to the hard one.
func (p *poller) dial(to *net.TCPAddr, receive int) (socket int, err error) {
	family, address := syscall.AF_INET6, syscall.Sockaddr(nil)
	if ip := to.IP.To4(); ip != nil {
		family, address = syscall.AF_INET, &syscall.SockaddrInet4{Port: to.Port, Addr: [4]byte(ip)}
	} else {
		address = &syscall.SockaddrInet6{Port: to.Port, Addr: [16]byte(to.IP.To16())}
	}
	socket, err = syscall.Socket(family, syscall.SOCK_STREAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, fmt.Errorf("bench: socket: %w", err)
	}
	if receive > 0 {
		err = syscall.SetsockoptInt(socket, syscall.SOL_SOCKET, syscall.SO_RCVBUF, receive)
	}
	err = errors.Join(err, retried(func() error { return syscall.Connect(socket, address) }), syscall.SetNonblock(socket, true))
	if err != nil {
		p.hangUp(socket)
		return 0, fmt.Errorf("bench: connect to %s: %w", to, err)
	}
	return socket, nil
}

// watch makes poll report a socket under a key.
func (p *poller) watch(socket, key int) error {
	event := syscall.EpollEvent{Events: syscall.EPOLLIN, Fd: int32(key)}
	if err := syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_ADD, socket, &event); err != nil {
		return fmt.Errorf("bench: epoll: %w", err)
	}
	return nil
}

// ignore undoes watch and leaves the socket open.
func (p *poller) ignore(socket int) error {
	if err := syscall.EpollCtl(p.epoll, syscall.EPOLL_CTL_DEL, socket, nil); err != nil {
		return fmt.Errorf("bench: epoll: %w", err)
	}
	return nil
}

// poll waits for sockets with something to read and calls see with the key of each.
func (p *poller) poll(wait time.Duration, see func(key int) error) error {
	n, err := syscall.EpollWait(p.epoll, p.ready[:], int(wait.Milliseconds()))
	if err != nil && !errors.Is(err, syscall.EINTR) {
		return fmt.Errorf("bench: epoll: %w", err)
	}
	for i := range max(n, 0) {
		if err := see(int(p.ready[i].Fd)); err != nil {
			return err
		}
	}
	return nil
}

// read returns what has arrived, valid until the next read; it may be empty. errHungUp
// says that the connection has ended.
func (p *poller) read(socket int) ([]byte, error) {
	n := 0
	err := retried(func() (err error) {
		n, err = syscall.Read(socket, p.buffer[:])
		return err
	})
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errHungUp, err)
	case n == 0:
		return nil, errHungUp
	}
	return p.buffer[:n], nil
}

// write writes everything. The requests of a feed always fit into the socket's buffer; if
// they do not, the connection counts as closed.
func (p *poller) write(socket int, b []byte) error {
	for len(b) > 0 {
		n := 0
		err := retried(func() (err error) {
			n, err = syscall.Write(socket, b)
			return err
		})
		if err != nil {
			return fmt.Errorf("%w: %w", errHungUp, err)
		}
		b = b[n:]
	}
	return nil
}

// hangUp closes a socket.
func (p *poller) hangUp(socket int) { _ = syscall.Close(socket) }

// retried repeats a call that a signal interrupted.
func retried(call func() error) error {
	for {
		if err := call(); !errors.Is(err, syscall.EINTR) {
			return err
		}
	}
}
