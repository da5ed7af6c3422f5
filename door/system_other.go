//go:build !linux

package door

import (
	"net"
	"time"
)

// setUserTimeout does nothing: only keepalive finds dead connections.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }

// maxFiles returns -1: no bound is known.
func maxFiles() int { return -1 }
