//go:build !linux

package server

import (
	"net"
	"time"
)

// setUserTimeout leaves it to keepalive to find connections that are dead.
func setUserTimeout(*net.TCPConn, time.Duration) error { return nil }

// maxFiles knows no bound.
func maxFiles() int { return -1 }

// freeBytes does not know.
func freeBytes(string) int64 { return -1 }
