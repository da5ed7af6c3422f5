// Package push fans published messages out to many long-lived streams, each of
// which is a cursor and not a copy: a message is encoded once and shared by all
// its receivers, and what a stream owns is a short queue of references.
//
// It knows nothing of what is sent, of protobuf or of a transport. A user
// publishes [Publication] values whose messages are already encoded, or encode
// themselves when a stream first takes them ([Deferred]), attaches
// streams to connections, and gives each stream a function that sends one
// [Response]. Package grpcpush does that for grpc-go.
//
// # What it promises
//
// For events, the six guarantees of etcd's watch: ordered, unique, atomic (the
// messages of one sequence become visible together), reliable (no gap),
// resumable (the opening and the live part join without gap or overlap) and
// bookmarkable (heartbeats move the cursor of a quiet stream). A stream that
// cannot keep these promises is ended with a named [Reason]; it never skips.
//
// For state (messages with a Key): the latest value per topic and key, sent
// whole when a topic is subscribed, then at most once per state interval. What
// was skipped is counted.
//
// No publisher waits for a client. One slow, dead or hostile client costs the
// others nothing: it is ended by its queue's bound, by a blocked send or by
// missing acknowledgements, and its handler returns even while its transport is
// stuck.
//
// # Who may call what
//
// Everything is safe for concurrent use, with two rules. [Hub.Publish] has
// exactly one caller at a time, with rising sequences. [Hub.Attach] and
// [Hub.Subscribe] must not run while a Publish does: the caller holds the lock
// under which it also decides what the opening contains, so that "everything up
// to here is in the opening, everything after here is live" is one fact.
//
// [Hub.Run] owns the clock: heartbeats, limits and state flushes happen only
// while it runs. It stops when its context ends, ends all streams with
// [ReasonShutdown] and waits for every goroutine that the hub started.
//
// # Locks
//
// In this order, never the other way: Hub.publishing, Hub.mu, Stream.mu,
// topic.mu, then timers.mu or turns.mu. None is held while an [Encoder], a [Content], a
// [Listener], a [Source] or a send function is called.
package push
