// Package demo has the instruments and users of a demo venue, and demo traders that quote
// and take through the public API.
//
// [Instruments] and [Users] are the data with which a program sets the venue up. [Run]
// trades: it is an ordinary client that keeps running across restarts of the venue and ends
// with its context.
//
// The decisions depend only on the seed and the venue's answers, and each command waits for
// the answer to the one before. A new venue without other users therefore gets the same
// orders and trades for the same seed, at any speed of the machine.
package demo
