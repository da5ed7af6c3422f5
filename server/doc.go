// Package server joins the parts into a running venue: it opens the data
// directory, builds engine, feed, hub and services over it, listens, and takes
// everything down again in the order that loses nothing.
//
// [New] opens and checks, and touches no network; [Server.Run] serves until its
// context ends and then drains: not ready, streams told to move, calls finished,
// engine, feed, files. [Server.Stop] cuts a drain short. A part that fails on its
// own takes the server down, with its error as Run's: a venue without one of its
// parts would tell half the truth.
package server
