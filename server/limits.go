package server

import (
	"fmt"
	"time"

	"todoku/account"
	"todoku/door"
)

// What clients may have and ask for: the connection limits and those of each
// connection, and what must hold between the limits of all parts.

// Doors bound connections before anybody has said who they are.
type Doors struct {
	// Connections bounds TCP connections to both ports, negative for no bound; by
	// default as many as the process may have files, less what the databases need.
	Connections int
	// ConnectionsPerNetwork bounds those from one address (an IPv6 /64); 4,000,
	// negative for no bound, which a server behind a proxy needs.
	ConnectionsPerNetwork int
	// Handshake is how long a connection to the gRPC port may take to say that it
	// speaks TLS and HTTP/2; 10 s.
	Handshake time.Duration
	// CallsPerConnection bounds calls and streams under way on one connection; 1,000.
	CallsPerConnection uint32
	// HeaderBytes bounds the headers of a call, as HTTP/2 counts them; 16 KiB.
	HeaderBytes uint32
}

// limitDefaults fills in what was left zero. The limits of package rpc have their
// own defaults.
func (c *Config) limitDefaults() {
	if c.Push.StreamsPerAddress == 0 {
		c.Push.StreamsPerAddress = door.DefaultPerNetwork
	}
	if c.Push.Network == nil {
		c.Push.Network = account.Network
	}
	if c.Doors.CallsPerConnection == 0 {
		c.Doors.CallsPerConnection = 1000
	}
	if c.Doors.HeaderBytes == 0 {
		c.Doors.HeaderBytes = 16 << 10
	}
	if c.Doors.Handshake == 0 {
		c.Doors.Handshake = 10 * time.Second
	}
}

// leastHeaderBytes hold a call's own headers and an access token.
const leastHeaderBytes = 2 << 10

// limitProblems names the limits that cannot be meant.
func (c *Config) limitProblems() (errs []error) {
	refuse := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf("%w: "+format, append([]any{ErrConfig}, args...)...))
		}
	}
	refuse(c.Doors.Handshake < 0, "a handshake of %s is negative", c.Doors.Handshake)
	refuse(c.Doors.HeaderBytes < leastHeaderBytes, "headers of %d bytes leave no room for an access token: %d at least", c.Doors.HeaderBytes, leastHeaderBytes)
	refuse(c.Push.UnackedBytes > 0 && c.Push.UnackedBytes < max(c.Push.QueueBytes, 1<<20),
		"%d bytes without acknowledgement are less than one stream's queue", c.Push.UnackedBytes)
	perUser := c.Limits.AttachesPerUser
	refuse(perUser.PerSecond > 0 && c.Push.StreamsPerUser > perUser.Burst,
		"%d streams of a user cannot come back at once when only %d may be opened at once (--streams-per-user, --attach-rate)", c.Push.StreamsPerUser, perUser.Burst)
	if err := c.Limits.Validate(); err != nil {
		errs = append(errs, fmt.Errorf("%w: %w", ErrConfig, err))
	}
	return errs
}
