// Package book is the order book of one instrument: the resting orders, by price and
// then by time, and how an arriving order would trade with them.
//
// It does no I/O, reads no clock and uses no randomness, so the same calls give the same
// results on any machine. It knows only the displayed quantity of an order; limits,
// accounts and hidden quantities are the caller's task.
//
// Matching and changing are separate. [Book.Match] says what an order would trade
// and changes nothing. The caller makes that durable and applies it with [Book.Fill] and
// [Book.Cancel], then [Book.Rest] for the remainder.
package book
