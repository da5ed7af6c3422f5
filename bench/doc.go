// Package bench puts a venue under load from outside and says what it stood:
// orders a second, latencies, the server's CPU, and whether any acknowledged order
// was lost or doubled. The published figures come from it.
//
// Generator and server are separate processes. Two clients send: grpc-go as
// everybody uses it, and a light one that speaks just enough HTTP/2, because
// grpc-go as a client is busy before the server is. The generator reports its own
// CPU and, where it follows a schedule, its own lateness, so that a figure that
// says more about the generator than about the server is seen to do so.
//
// Closed loop (no rate): every slot sends when its answer has come; that finds the
// limit. Open loop (a rate): requests are due at fixed times whatever the venue
// does, and latency counts from when a request was due, so that a venue that
// stalls cannot hide the requests that it kept from being sent.
package bench
