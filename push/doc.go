// Package push sends published messages to many long-lived streams. A message is
// encoded once and shared by all its receivers; a stream has only a short queue of
// references.
//
// The package does not depend on the content of messages, on protobuf or on a
// transport. Its user publishes [Publication] values whose messages are encoded, or
// are encoded when a stream first sends them ([Deferred]), attaches streams to
// connections, and gives each stream a function that sends one [Response]. Package
// grpcpush does that for grpc-go.
//
// # What it promises
//
// For events, the six guarantees of etcd's watch: ordered, unique, atomic (the
// messages of one sequence become visible together), reliable (no gap),
// resumable (the opening and the live part join without gap or overlap) and
// bookmarkable (heartbeats move the cursor of a quiet stream). A stream that
// cannot keep these promises is ended with a named [Reason]; it never skips.
//
// For state (messages with a Key): the latest value per topic and key, sent whole
// when a topic is subscribed, then at most once per state interval. Skipped values
// are counted.
//
// No publisher waits for a client. A slow, dead or hostile client does not affect the
// others: its stream is ended because its queue is full, a send is blocked or
// acknowledgements are missing, and its handler returns even while its transport is
// blocked.
//
// # Who may call what
//
// Everything is safe for concurrent use, with two rules. [Hub.Publish] has one caller
// at a time, with rising sequences. [Hub.Attach] and [Hub.Subscribe] must not run at
// the same time as Publish: the caller holds a lock under which it also decides what
// the opening contains, so that the opening and the live messages join exactly.
//
// Heartbeats, limits and state flushes happen only while [Hub.Run] runs. It stops
// when its context ends, ends all streams with [ReasonShutdown] and waits for every
// goroutine that the hub started.
//
// # Locks
//
// In this order, never the other way: Hub.publishing, Hub.mu, Stream.mu,
// topic.mu, then timers.mu or turns.mu. None is held while an [Encoder], a [Content], a
// [Listener], a [Source] or a send function is called.
package push
