// Package history follows the journal into indexed storage and answers questions
// about the past: orders, executions, trades, and who did what.
//
// A [Follower] reads records and applies their [Facts] to a [Store] in large
// transactions. The store is derived data: it can be dropped and built again from the
// journal. Lists come in pages, newest first.
//
// Follower and Store are safe for concurrent use. [Follower.Run] is the only
// goroutine; the package does not log.
package history
