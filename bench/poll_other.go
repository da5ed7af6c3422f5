//go:build !linux

package bench

import (
	"errors"
	"fmt"
	"net"
	"time"
)

// poller is for Linux: only there can thousands of sockets be read cheaply enough
// for a generator, and the server's CPU and memory be looked up.
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
