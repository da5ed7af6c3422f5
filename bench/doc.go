// Package bench puts a venue under load from outside and measures it: orders a second,
// latencies, the server's CPU, and whether any acknowledged order was lost or doubled. The
// published figures come from it.
//
// Generator and server are separate processes. Two clients send: grpc-go as programs use
// it, and a light one that knows just enough HTTP/2, because grpc-go as a client reaches its
// limit before the server does. The generator reports its own CPU and, with a schedule, its
// own lateness. They show when a figure is limited by the generator.
//
// Closed loop (no rate): every slot sends when its answer has arrived; that finds the
// limit. Open loop (a rate): requests are due at fixed times, and latency counts from when a
// request was due. So a venue that stalls also pays for the requests that it kept from
// being sent.
package bench
