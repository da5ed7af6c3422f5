//go:build !linux

package bench

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// poller works on Linux only: elsewhere a generator cannot read thousands of sockets cheaply
// enough, and the server's CPU and memory are not measured.
type poller struct{}

func newPoller() (*poller, error) {
	return nil, fmt.Errorf("bench: feeds are measured on Linux: %w", errors.ErrUnsupported)
}

func (*poller) close()                                        {}
func (*poller) dial(*net.TCPAddr, int) (int, error)           { return 0, errors.ErrUnsupported }
func (*poller) watch(int, int) error                          { return errors.ErrUnsupported }
func (*poller) ignore(int) error                              { return errors.ErrUnsupported }
func (*poller) poll(time.Duration, func(key int) error) error { return errors.ErrUnsupported }
func (*poller) read(int) ([]byte, error)                      { return nil, errors.ErrUnsupported }
func (*poller) write(int, []byte) error                       { return errors.ErrUnsupported }
func (*poller) hangUp(int)                                    {}
