package trade

import "fmt"

// Reason says why the venue refused something, or why an order ended. The numbers are
// part of journals and of the API; they never change and are never used again. The
// hundreds are the kind of refusal:
//
//	1xx  the request is malformed; nothing was journaled
//	2xx  what it names does not exist or is not visible to this user
//	3xx  this user may not do it
//	4xx  the market does not admit it now
//	5xx  it exceeds a limit
//	6xx  it conflicts with what has happened
//	7xx  not a refusal: why an order ended
type Reason uint16

// The reasons.
const (
	ReasonNone Reason = 0

	ReasonBadPrice      Reason = 101
	ReasonOffTick       Reason = 102
	ReasonBadQuantity   Reason = 103
	ReasonOffLot        Reason = 104
	ReasonQuantityRange Reason = 105
	ReasonBadName       Reason = 106
	ReasonBadText       Reason = 107
	ReasonBadEnum       Reason = 108
	ReasonBadTime       Reason = 109
	ReasonBadNumber     Reason = 110
	// ReasonBadCombination is for fields that are valid alone and not together.
	ReasonBadCombination Reason = 111

	ReasonUnknownInstrument Reason = 201
	ReasonUnknownOrder      Reason = 202
	ReasonUnknownAccount    Reason = 203
	ReasonUnknownUser       Reason = 204
	ReasonUnknownTrade      Reason = 205

	ReasonNotPermitted Reason = 301
	ReasonSuspended    Reason = 302

	ReasonMarketNotOpen      Reason = 401
	ReasonMarketHalted       Reason = 402
	ReasonOutsideBand        Reason = 403
	ReasonOutsideDayLimits   Reason = 404
	ReasonPostOnlyWouldTrade Reason = 405
	ReasonStaleView          Reason = 406
	ReasonBookFull           Reason = 407
	ReasonTooLarge           Reason = 408

	ReasonOrderSizeLimit     Reason = 501
	ReasonOrderNotionalLimit Reason = 502
	ReasonOpenOrdersLimit    Reason = 503
	ReasonPriceBandLimit     Reason = 504
	ReasonRateLimit          Reason = 505
	ReasonPositionLimit      Reason = 506

	ReasonRequestReused Reason = 601
	ReasonTooLate       Reason = 602
	ReasonAlreadyExists Reason = 603
	// ReasonBelowFilled is of journals of earlier versions: such a replace now ends the order.
	ReasonBelowFilled      Reason = 604
	ReasonOrdersRest       Reason = 605
	ReasonTradeNotOpen     Reason = 606
	ReasonChangedMeanwhile Reason = 607

	ReasonRequested     Reason = 701
	ReasonNoLiquidity   Reason = 702
	ReasonSelfTrade     Reason = 703
	ReasonDayEnded      Reason = 704
	ReasonExpireTime    Reason = 705
	ReasonDisconnected  Reason = 706
	ReasonByVenue       Reason = 707
	ReasonUserSuspended Reason = 708
)

// reasonText returns a reason's name on the wire and its sentence for people. It is a
// function so that the package has no mutable state.
func reasonText(r Reason) (word, sentence string) {
	switch r {
	case ReasonNone:
		return "NONE", ""
	case ReasonBadPrice:
		return "BAD_PRICE", "The price is not a positive decimal number with at most eight places; correct it."
	case ReasonOffTick:
		return "OFF_TICK", "The price is not a multiple of the instrument's tick size; round it."
	case ReasonBadQuantity:
		return "BAD_QUANTITY", "The quantity is not a positive decimal number with at most eight places; correct it."
	case ReasonOffLot:
		return "OFF_LOT", "The quantity is not a multiple of the instrument's lot size; round it."
	case ReasonQuantityRange:
		return "QUANTITY_RANGE", "The quantity is outside what the instrument allows for one order; change it."
	case ReasonBadName:
		return "BAD_NAME", "An identifier is empty, too long or has characters that are not allowed; correct it."
	case ReasonBadText:
		return "BAD_TEXT", "A text is too long, not UTF-8 or has control characters; shorten or clean it."
	case ReasonBadEnum:
		return "BAD_ENUM", "A choice is missing or unknown; choose one of those listed."
	case ReasonBadTime:
		return "BAD_TIME", "The time is missing, malformed or not in the future; correct it."
	case ReasonBadNumber:
		return "BAD_NUMBER", "A number is outside its range; correct it."
	case ReasonBadCombination:
		return "BAD_COMBINATION", "These fields do not go together; correct one of them."
	case ReasonUnknownInstrument:
		return "UNKNOWN_INSTRUMENT", "There is no such instrument; list the instruments."
	case ReasonUnknownOrder:
		return "UNKNOWN_ORDER", "There is no such order of yours; list your orders."
	case ReasonUnknownAccount:
		return "UNKNOWN_ACCOUNT", "There is no such account of yours; leave it empty for your own."
	case ReasonUnknownUser:
		return "UNKNOWN_USER", "There is no such user; list the users."
	case ReasonUnknownTrade:
		return "UNKNOWN_TRADE", "There is no such trade; list the trades."
	case ReasonNotPermitted:
		return "NOT_PERMITTED", "Your role does not allow this; ask an administrator."
	case ReasonSuspended:
		return "SUSPENDED", "The user is suspended; ask an administrator."
	case ReasonMarketNotOpen:
		return "MARKET_NOT_OPEN", "The instrument is not open for trading; wait until it opens."
	case ReasonMarketHalted:
		return "MARKET_HALTED", "Trading in the instrument is halted; wait until it resumes. Orders can be canceled."
	case ReasonOutsideBand:
		return "OUTSIDE_BAND", "The price is too far from the reference price; move it closer."
	case ReasonOutsideDayLimits:
		return "OUTSIDE_DAY_LIMITS", "The price is outside the day's price limits; move it inside."
	case ReasonPostOnlyWouldTrade:
		return "POST_ONLY_WOULD_TRADE", "The post-only order would have traded at once; choose a passive price."
	case ReasonStaleView:
		return "STALE_VIEW", "The book moved more than you allowed since you looked; look again and decide."
	case ReasonBookFull:
		return "BOOK_FULL", "The price level holds as much as can be counted; choose another price."
	case ReasonTooLarge:
		return "TOO_LARGE", "It would change more at once than can be written down together; make it smaller."
	case ReasonOrderSizeLimit:
		return "ORDER_SIZE_LIMIT", "The quantity is over the account's limit for one order; reduce it."
	case ReasonOrderNotionalLimit:
		return "ORDER_NOTIONAL_LIMIT", "Price times quantity is over the account's limit for one order; reduce it."
	case ReasonOpenOrdersLimit:
		return "OPEN_ORDERS_LIMIT", "The account has as many working orders as it may; cancel some."
	case ReasonPriceBandLimit:
		return "PRICE_BAND_LIMIT", "The price is further from the reference price than the account may go; move it closer."
	case ReasonRateLimit:
		return "RATE_LIMIT", "The account sends more messages than it may; slow down and try again."
	case ReasonPositionLimit:
		return "POSITION_LIMIT", "The position would pass what can be counted exactly; reduce it first."
	case ReasonRequestReused:
		return "REQUEST_REUSED", "Another request was made under the same id; use a new id."
	case ReasonTooLate:
		return "TOO_LATE", "The order is already filled, canceled or expired."
	case ReasonAlreadyExists:
		return "ALREADY_EXISTS", "It exists already; choose another name or change the one that exists."
	case ReasonBelowFilled:
		return "BELOW_FILLED", "The new quantity is not above the filled quantity; cancel the order instead."
	case ReasonOrdersRest:
		return "ORDERS_REST", "Orders rest that the new rules would not allow; cancel them first."
	case ReasonTradeNotOpen:
		return "TRADE_NOT_OPEN", "The trade is busted already."
	case ReasonChangedMeanwhile:
		return "CHANGED_MEANWHILE", "It changed while you asked; look again and try again."
	case ReasonRequested:
		return "REQUESTED", "Canceled on request."
	case ReasonNoLiquidity:
		return "NO_LIQUIDITY", "The book did not offer enough within the order's limits; the remainder is canceled."
	case ReasonSelfTrade:
		return "SELF_TRADE", "It would have traded with an order of the same account."
	case ReasonDayEnded:
		return "DAY_ENDED", "The trading day ended."
	case ReasonExpireTime:
		return "EXPIRE_TIME", "The order's expire time has come."
	case ReasonDisconnected:
		return "DISCONNECTED", "The session asked for cancel-on-disconnect and stayed away."
	case ReasonByVenue:
		return "BY_VENUE", "Canceled by the venue's staff."
	case ReasonUserSuspended:
		return "USER_SUSPENDED", "Canceled because the user was suspended."
	}
	return "UNKNOWN", "The venue gave a reason that this version does not know."
}

// String returns the word that stands for the reason on the wire and in logs.
func (r Reason) String() string {
	word, _ := reasonText(r)
	return word
}

// Sentence returns the text for people: what is wrong and what to do.
func (r Reason) Sentence() string {
	_, sentence := reasonText(r)
	return sentence
}

// Reasons returns every reason there is, in the order of their numbers.
func Reasons() []Reason {
	var all []Reason
	for r := ReasonNone; r < 1000; r++ {
		if r.String() != "UNKNOWN" {
			all = append(all, r)
		}
	}
	return all
}

// Refusal is the error of a command that changed nothing and was not journaled.
type Refusal struct {
	Reason Reason
	// Field is the request's field that is wrong, as a path in the API; may be empty.
	Field string
	// Detail adds the facts to the reason's sentence; may be empty.
	Detail string
}

// Refuse returns a [*Refusal] as an error.
func Refuse(reason Reason, field, detail string) error {
	return &Refusal{reason, field, detail}
}

func (r *Refusal) Error() string {
	text := r.Reason.String()
	if r.Field != "" {
		text = r.Field + ": " + text
	}
	if r.Detail != "" {
		return fmt.Sprintf("%s (%s)", text, r.Detail)
	}
	return text
}

// Is reports whether target is a refusal for the same reason, whatever its field
// and detail, so that errors.Is(err, &Refusal{Reason: r}) asks for a reason.
func (r *Refusal) Is(target error) bool {
	other, ok := target.(*Refusal)
	return ok && other.Reason == r.Reason
}
