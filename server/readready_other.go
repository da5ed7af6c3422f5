//go:build !unix

package server

// readyToRead is nothing where the system has no way to wait for data alone.
type readyToRead struct{}

func (*counted) prepare() {}
