// Package server joins the parts into a running venue: it opens the storage, builds
// engine, feed, hub and services over it, listens, and stops everything in the order
// that loses nothing.
//
// [New] opens the storage and the ports; [Server.Run] serves until its context ends
// and then drains: not ready, streams asked to move, calls finished, engine, feed,
// stores. [Server.Stop] cuts a drain short. When a part fails, the whole server
// stops and Run returns the part's error: clients would see only half of what
// happens. [OpenStorage] opens the stores of a venue without running it.
package server
