//go:build !unix

package door

// readyToRead is nothing where the system has no way to wait for data alone.
type readyToRead struct{}

func (*conn) prepare() {}
