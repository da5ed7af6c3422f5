// Package book is the order book of one instrument: what rests, by price and then
// by time, and how an arriving order would trade with it.
//
// It does no I/O, reads no clock and takes nothing at random, so the same calls
// give the same answers on any machine. It knows orders by what they show; limits,
// accounts and what an order has beyond that are the caller's.
//
// Matching and changing are separate. [Book.Match] says what an order would trade
// and changes nothing; the caller makes that durable and carries it out with
// [Book.Fill] and [Book.Cancel], then [Book.Rest] for the remainder.
package book
