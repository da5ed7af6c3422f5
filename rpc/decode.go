package rpc

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/history"
	"todoku/push"
	"todoku/trade"
)

// Conversion of messages to the venue's types. Decoding checks the form: whether a text is a
// number, an enum has a listed value, a time exists. The engine checks
// everything else, such as whether a price suits the instrument: it gets commands from
// other places too.
// That texts are UTF-8 was checked when the message was unmarshaled.

const (
	defaultPageSize = 100
	// maxCount bounds pages, depths of books and the like.
	maxCount = 1000
	maxBatch = 1000
	maxNames = 1000
	// maxOpaque bounds ids of sessions, connections and client instances; those that
	// the server makes have 26 characters.
	maxOpaque     = 64
	maxClientName = 200
	maxToken      = 1024
	maxPageToken  = 1024
	defaultDepth  = 20

	minCancelOnDisconnect = 5 * time.Second
	maxCancelOnDisconnect = 10 * time.Minute
)

// decoder reads the fields of one request and keeps the first that is wrong, a
// [*trade.Refusal] that names it.
type decoder struct {
	// prefix stands before every field's name, such as "instrument.".
	prefix string
	err    error
}

func (d *decoder) refuse(reason trade.Reason, field, detail string) {
	if d.err == nil {
		d.err = trade.Refuse(reason, d.prefix+field, detail)
	}
}

// check takes over a validation's error.
func (d *decoder) check(reason trade.Reason, field string, err error) {
	if err != nil {
		d.refuse(reason, field, err.Error())
	}
}

func (d *decoder) request(field, text string) trade.RequestID {
	d.check(trade.ReasonBadName, field, trade.RequestID(text).Validate())
	return trade.RequestID(text)
}

func (d *decoder) symbol(field, text string) trade.Symbol {
	d.check(trade.ReasonBadName, field, trade.Symbol(text).Validate())
	return trade.Symbol(text)
}

func (d *decoder) user(field, text string) trade.UserID {
	d.check(trade.ReasonBadName, field, trade.UserID(text).Validate())
	return trade.UserID(text)
}

func (d *decoder) account(field, text string) trade.AccountID {
	d.check(trade.ReasonBadName, field, trade.AccountID(text).Validate())
	return trade.AccountID(text)
}

// optional reads a text that may be empty, as a filter may be.
func optional[T any](field, text string, read func(field, text string) T) (value T) {
	if text != "" {
		value = read(field, text)
	}
	return value
}

// text reads what people write, bounded to most bytes.
func (d *decoder) text(field, text string, most int) string {
	if len(text) > most {
		d.refuse(trade.ReasonBadText, field, fmt.Sprintf("at most %d bytes", most))
	}
	d.check(trade.ReasonBadText, field, trade.ValidateText(text))
	return text
}

// name reads the name of a person or a program: a text of one line without characters that
// show as nothing or change the direction of what is around them (Unicode's Cf), with which
// one name could look like another.
func (d *decoder) name(field, text string, most int) string {
	for _, r := range text {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			d.refuse(trade.ReasonBadText, field, fmt.Sprintf("%U is invisible or breaks the line; leave it out", r))
			break
		}
	}
	return d.text(field, text, most)
}

// opaque reads an id that the server made: bounded, and otherwise checked where it is
// looked up.
func (d *decoder) opaque(field, text string) string {
	if text == "" {
		d.refuse(trade.ReasonBadName, field, "a value is needed")
	}
	if len(text) > maxOpaque {
		d.refuse(trade.ReasonBadName, field, fmt.Sprintf("at most %d bytes", maxOpaque))
	}
	return text
}

// price reads a price; empty is zero, "no price".
func (d *decoder) price(field, text string) trade.Price {
	return parsed(d, trade.ReasonBadPrice, field, text, trade.ParsePrice)
}

// quantity reads a quantity; empty is zero.
func (d *decoder) quantity(field, text string) trade.Quantity {
	return parsed(d, trade.ReasonBadQuantity, field, text, trade.ParseQuantity)
}

// amount reads money; empty is zero.
func (d *decoder) amount(field, text string) trade.Amount {
	return parsed(d, trade.ReasonBadNumber, field, text, trade.ParseAmount)
}

// parsed reads a decimal number; empty is zero.
func parsed[T any](d *decoder, bad trade.Reason, field, text string, parse func(string) (T, error)) (value T) {
	if text != "" {
		var err error
		value, err = parse(text)
		d.check(bad, field, err)
	}
	return value
}

// id reads the id of an order or a trade in its one form: no sign, no leading zero.
func (d *decoder) id(field, text string) uint64 {
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil || n == 0 || text[0] == '0' || text[0] == '+' {
		d.refuse(trade.ReasonBadNumber, field, "a whole number from 1, without leading zeros")
		return 0
	}
	return n
}

// orderRef reads which order is meant: one of the two names, not both.
func (d *decoder) orderRef(idField, id, requestField, request string) trade.OrderRef {
	switch {
	case id != "" && request != "":
		d.refuse(trade.ReasonBadCombination, requestField, "name the order by "+idField+" or by "+requestField+", not both")
	case id != "":
		return trade.OrderRef{ID: trade.OrderID(d.id(idField, id))}
	case request != "":
		return trade.OrderRef{ClientOrderID: d.request(requestField, request)}
	default:
		d.refuse(trade.ReasonBadCombination, idField, "name the order by "+idField+" or by "+requestField)
	}
	return trade.OrderRef{}
}

// guard reads the version of the book that the user saw; absent is no guard.
func (d *decoder) guard(seen *uint64, moves uint64) trade.StaleGuard {
	if seen == nil {
		if moves != 0 {
			d.refuse(trade.ReasonBadCombination, "max_book_moves", "it needs seen_book_version")
		}
		return trade.StaleGuard{}
	}
	return trade.StaleGuard{Set: true, SeenBookVersion: *seen, MaxBookMoves: moves}
}

// nanos reads a time; absent is zero. It must lie between 1970 and 2262, which
// nanoseconds in 64 bits can hold.
func (d *decoder) nanos(field string, ts *timestamppb.Timestamp) int64 {
	if ts == nil {
		return 0
	}
	if err := ts.CheckValid(); err != nil || ts.GetSeconds() < 0 || ts.GetSeconds() > math.MaxInt64/int64(time.Second)-1 {
		d.refuse(trade.ReasonBadTime, field, "a time between 1970 and 2262")
		return 0
	}
	return ts.AsTime().UnixNano()
}

// duration reads a duration within bounds; absent is zero.
func (d *decoder) duration(field string, value *durationpb.Duration, least, most time.Duration) time.Duration {
	if value == nil {
		return 0
	}
	length := value.AsDuration()
	if value.CheckValid() != nil || length < least || length > most {
		d.refuse(trade.ReasonBadNumber, field, fmt.Sprintf("from %s to %s", least, most))
		return 0
	}
	return length
}

// count reads how many are wanted, at most maxCount; zero is the standard.
func (d *decoder) count(field string, value uint32, standard int) int {
	if value == 0 {
		return standard
	}
	if value > maxCount {
		d.refuse(trade.ReasonBadNumber, field, fmt.Sprintf("at most %d", maxCount))
		return standard
	}
	return int(value)
}

// paged is a request for a page of what happened in a period.
type paged interface {
	GetFromTime() *timestamppb.Timestamp
	GetToTime() *timestamppb.Timestamp
	GetPageSize() uint32
	GetPageToken() string
}

// page reads which page is wanted, and of which period; an absent bound is open.
func (d *decoder) page(req paged) (history.Span, history.PageRequest) {
	span := history.Span{From: d.nanos("from_time", req.GetFromTime()), To: d.nanos("to_time", req.GetToTime())}
	if span.To != 0 && span.To < span.From {
		d.refuse(trade.ReasonBadTime, "to_time", "it must not be before from_time")
	}
	if len(req.GetPageToken()) > maxPageToken {
		d.refuse(trade.ReasonBadName, "page_token", fmt.Sprintf("at most %d bytes", maxPageToken))
	}
	size := d.count("page_size", req.GetPageSize(), defaultPageSize)
	return span, history.PageRequest{Size: size, Token: req.GetPageToken()}
}

// choice reads an enum whose numbers are the venue's own, from 1 to last. An
// absent value takes the standard, and is refused if standard is zero.
func choice[W ~int32, T ~int8](d *decoder, field string, value W, standard, last T) T {
	switch {
	case value == 0 && standard != 0:
		return standard
	case value == 0:
		d.refuse(trade.ReasonBadEnum, field, "a value is needed")
	case value < 0 || int64(value) > int64(last):
		d.refuse(trade.ReasonBadEnum, field, "not one of the listed values")
	default:
		return T(value)
	}
	return 0
}

func (d *decoder) roles(field string, roles []todokuv1.Role) trade.Role {
	var set trade.Role
	for _, bit := range list(d, field, roles, func(field string, role todokuv1.Role) trade.Role {
		bit := roleBit(role)
		if bit == 0 {
			d.refuse(trade.ReasonBadEnum, field, "choose TRADER, VIEWER, RISK or ADMIN")
		}
		return bit
	}) {
		set |= bit
	}
	return set
}

// list reads a list whose entries are each named by their place in it.
func list[W, T any](d *decoder, field string, values []W, read func(field string, value W) T) []T {
	if len(values) > maxNames {
		d.refuse(trade.ReasonBadNumber, field, fmt.Sprintf("at most %d", maxNames))
		return nil
	}
	entries := make([]T, 0, len(values))
	for i, value := range values {
		entries = append(entries, read(fmt.Sprintf("%s[%d]", field, i), value))
	}
	return entries
}

// cursor reads a cursor; empty is nil.
func (d *decoder) cursor(field, text string) *push.Cursor {
	if text == "" {
		return nil
	}
	c, err := push.ParseCursor(text)
	if err != nil && d.err == nil {
		d.err = &fieldError{field, err}
	}
	return &c
}

// place reads a place among past events; nil for an empty text.
func (d *decoder) place(field, text string) *feed.Place {
	if text == "" {
		return nil
	}
	p, err := feed.ParsePlace(text)
	if err != nil && d.err == nil {
		d.err = &fieldError{field, err}
	}
	return &p
}

// everySymbol stands for all instruments in a subscription.
const everySymbol = "*"

// subscription reads a subscription; an absent one adds nothing. It is refused
// with a [*feed.SubscriptionError].
func (d *decoder) subscription(m *todokuv1.Subscription) feed.Subscription {
	var own decoder
	subscription := feed.Subscription{
		Presence: m.GetPresence(), AllAccounts: m.GetAllAccounts(), AllSymbols: slices.Contains(m.GetSymbols(), everySymbol),
		StateInterval: own.duration("state_interval", m.GetStateInterval(), push.MinStateInterval, push.MaxStateInterval),
	}
	if len(m.GetSymbols()) > feed.MaxSymbols {
		own.refuse(trade.ReasonBadNumber, "symbols", fmt.Sprintf("at most %d instruments, or \"*\" for all", feed.MaxSymbols))
	}
	symbols := list(&own, "symbols", m.GetSymbols(), func(field, text string) trade.Symbol {
		if text == everySymbol {
			return ""
		}
		return own.symbol(field, text)
	})
	if !subscription.AllSymbols {
		subscription.Symbols = symbols
	}
	if own.err != nil && d.err == nil {
		d.err = &feed.SubscriptionError{Problem: own.err.Error()}
	}
	return subscription
}

// badCursor names the field of a cursor that the feed refused.
func badCursor(field string, err error) error {
	if errors.Is(err, push.ErrBadCursor) || errors.Is(err, feed.ErrUnknownEpoch) {
		return &fieldError{field, err}
	}
	return err
}

// fieldError says which field of a request an error is about.
type fieldError struct {
	field string
	err   error
}

func (e *fieldError) Error() string { return e.field + ": " + e.err.Error() }

func (e *fieldError) Unwrap() error { return e.err }
