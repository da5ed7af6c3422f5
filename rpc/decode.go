package rpc

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/trade"
)

// From the wire to the venue's words. Decoding judges form: whether a text is a
// number, a choice is one of those listed, a time exists. Whether a price suits
// the instrument or an order's fields go together is the engine's to say, which
// judges commands from every door.
//
// UTF-8 is seen to before: a string field that is none does not unmarshal.

const (
	defaultPageSize = 100
	// maxCount bounds pages, depths of books and the like.
	maxCount = 1000
	maxBatch = 1000
	maxNames = 1000
	// maxConnectionID bounds what an administrator names; real ones have 26 characters.
	maxConnectionID = 64
	maxInstanceID   = 64
	maxSessionID    = 64
	maxClientName   = 200
	maxToken        = 1024
	maxPageToken    = 1024
	defaultDepth    = 20

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
	id := trade.RequestID(text)
	d.check(trade.ReasonBadName, field, id.Validate())
	return id
}

func (d *decoder) symbol(field, text string) trade.Symbol {
	symbol := trade.Symbol(text)
	d.check(trade.ReasonBadName, field, symbol.Validate())
	return symbol
}

// anySymbol reads the filter "symbol": empty is every instrument.
func (d *decoder) anySymbol(text string) trade.Symbol {
	if text == "" {
		return ""
	}
	return d.symbol("symbol", text)
}

func (d *decoder) user(field, text string) trade.UserID {
	user := trade.UserID(text)
	d.check(trade.ReasonBadName, field, user.Validate())
	return user
}

// anyUser reads the filter "user": empty is every user.
func (d *decoder) anyUser(text string) trade.UserID {
	if text == "" {
		return ""
	}
	return d.user("user", text)
}

func (d *decoder) account(field, text string) trade.AccountID {
	account := trade.AccountID(text)
	d.check(trade.ReasonBadName, field, account.Validate())
	return account
}

// text reads what people write, bounded to most bytes.
func (d *decoder) text(field, text string, most int) string {
	if len(text) > most {
		d.refuse(trade.ReasonBadText, field, fmt.Sprintf("at most %d bytes", most))
	}
	d.check(trade.ReasonBadText, field, trade.ValidateText(text))
	return text
}

// opaque reads a text that the server made and gets back: bounded, and otherwise
// checked where it is looked up.
func (d *decoder) opaque(field, text string, most int) string {
	if text == "" {
		d.refuse(trade.ReasonBadName, field, "it is needed")
	}
	if len(text) > most {
		d.refuse(trade.ReasonBadName, field, fmt.Sprintf("at most %d bytes", most))
	}
	return text
}

// price reads a price; empty is zero, "no price".
func (d *decoder) price(field, text string) trade.Price {
	if text == "" {
		return 0
	}
	price, err := trade.ParsePrice(text)
	d.check(trade.ReasonBadPrice, field, err)
	return price
}

// quantity reads a quantity; empty is zero.
func (d *decoder) quantity(field, text string) trade.Quantity {
	if text == "" {
		return 0
	}
	quantity, err := trade.ParseQuantity(text)
	d.check(trade.ReasonBadQuantity, field, err)
	return quantity
}

// amount reads money; empty is zero.
func (d *decoder) amount(field, text string) trade.Amount {
	if text == "" {
		return trade.Amount{}
	}
	amount, err := trade.ParseAmount(text)
	d.check(trade.ReasonBadNumber, field, err)
	return amount
}

// number reads the decimal name of an order or a trade in its one form: no sign,
// no leading zero.
func (d *decoder) number(field, text string) uint64 {
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
		return trade.OrderRef{ID: trade.OrderID(d.number(idField, id))}
	case request != "":
		return trade.OrderRef{ClientOrderID: d.request(requestField, request)}
	default:
		d.refuse(trade.ReasonBadCombination, idField, "name the order by "+idField+" or by "+requestField)
	}
	return trade.OrderRef{}
}

// guard reads which version of the book an order was decided on; absent is none.
func (d *decoder) guard(seen *uint64, moves uint64) trade.StaleGuard {
	if seen == nil {
		if moves != 0 {
			d.refuse(trade.ReasonBadCombination, "max_book_moves", "say in seen_book_version what was looked at")
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

// period reads the bounds of a listing, in nanoseconds since 1970; zero is open.
func (d *decoder) period(from, to *timestamppb.Timestamp) (first, last int64) {
	first, last = d.nanos("from_time", from), d.nanos("to_time", to)
	if last != 0 && last < first {
		d.refuse(trade.ReasonBadTime, "to_time", "not before from_time")
	}
	return first, last
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

func (d *decoder) page(size uint32, token string) (int, string) {
	if len(token) > maxPageToken {
		d.refuse(trade.ReasonBadName, "page_token", fmt.Sprintf("at most %d bytes", maxPageToken))
	}
	return d.count("page_size", size, defaultPageSize), token
}

// choice reads an enum whose numbers are the venue's own, from 1 to last; absent
// is the standard, and refused where that is zero.
func choice[W ~int32, T ~int8](d *decoder, field string, value W, standard, last T) T {
	switch {
	case value == 0 && standard != 0:
		return standard
	case value == 0:
		d.refuse(trade.ReasonBadEnum, field, "a choice is needed")
	case value < 0 || int64(value) > int64(last):
		d.refuse(trade.ReasonBadEnum, field, "not one of those listed")
	default:
		return T(value)
	}
	return 0
}

// optional reads an enum that may be absent, as a filter may.
func optional[W ~int32, T ~int8](d *decoder, field string, value W, last T) T {
	if value == 0 {
		return 0
	}
	return choice(d, field, value, 0, last)
}

func (d *decoder) roles(field string, roles []todokuv1.Role) trade.Role {
	if len(roles) > maxNames {
		d.refuse(trade.ReasonBadNumber, field, fmt.Sprintf("at most %d", maxNames))
		return 0
	}
	var set trade.Role
	for i, role := range roles {
		bit, ok := roleBit(role)
		if !ok {
			d.refuse(trade.ReasonBadEnum, fmt.Sprintf("%s[%d]", field, i), "choose TRADER, VIEWER, RISK or ADMIN")
		}
		set |= bit
	}
	return set
}

func (d *decoder) accounts(field string, texts []string) []trade.AccountID {
	return names(d, field, texts, d.account)
}

func (d *decoder) users(field string, texts []string) []trade.UserID {
	return names(d, field, texts, d.user)
}

// names reads a list whose entries are each named by their place in it.
func names[T any](d *decoder, field string, texts []string, read func(field, text string) T) []T {
	if len(texts) > maxNames {
		d.refuse(trade.ReasonBadNumber, field, fmt.Sprintf("at most %d", maxNames))
		return nil
	}
	list := make([]T, 0, len(texts))
	for i, text := range texts {
		list = append(list, read(fmt.Sprintf("%s[%d]", field, i), text))
	}
	return list
}

// cursor reads a cursor; empty is nil.
func cursor(field, text string) (*push.Cursor, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // no cursor is a valid answer
	}
	c, err := push.ParseCursor(text)
	if err != nil {
		return nil, &fieldError{field, err}
	}
	return &c, nil
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
