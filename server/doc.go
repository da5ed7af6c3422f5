// Package server joins the parts into a running venue: it opens the storage, builds
// engine, feed, hub and services over it, listens, and stops everything in the order
// that loses nothing.
//
// [New] opens the storage and the ports; [Server.Run] serves until its context ends
// and then drains: it is not ready, asks clients to move their streams, finishes calls,
// and stops engine, feed and stores. [Server.Stop] ends a drain at once. When a part
// fails, the whole server stops and Run returns the part's error, because clients would
// see only some of the events. [OpenStorage] opens the stores of a venue without running
// it.
package server
