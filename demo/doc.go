// Package demo is what a demo venue is made of: its instruments, its users, and
// demo traders that quote and take through the public API, so that books move and
// trades print for a newcomer.
//
// [Instruments] and [Users] are data; whoever sets the venue up enters them.
// [Run] trades. It is a client like any other: it knows the venue by its answers
// alone, outlives the venue's restarts, takes a refusal for an answer, and ends
// with its context.
//
// What the demo traders decide follows from the seed and from what the venue
// answered, and from nothing else; commands go out one after the other, each when
// the one before it is answered. A fresh venue that nobody else trades on
// therefore gets the same orders and prints the same trades for the same seed,
// whatever the machine's speed.
package demo
