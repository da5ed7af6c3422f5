package bench

import (
	"errors"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	todokuv1 "todoku/gen/todoku/v1"
)

// The light client writes and reads its messages field by field: generated code would
// take half of the generator's CPU. A test compares the two.

// Field numbers of PlaceOrderRequest, PlaceOrdersRequest, and of what answers them.
const (
	requestID       = 1
	requestSymbol   = 3
	requestSide     = 4
	requestTIF      = 6
	requestPrice    = 9
	requestQuantity = 10

	batchOrders = 1

	responseAnswer = 1 // PlaceOrderResponse.answer and PlaceOrdersResponse.answers alike
	answerOrderID  = 1
	answerStatus   = 3
	answerCursor   = 8
)

// errAnswers says that a reply does not answer its request.
var errAnswers = errors.New("a reply without an answer for every order")

// appendRequest appends a request's message.
func (l *lane) appendRequest(b []byte, r *request) []byte {
	if r.size == 1 {
		return l.appendOrder(b, r, r.first)
	}
	var scratch [256]byte
	for i := range r.size {
		b = protowire.AppendTag(b, batchOrders, protowire.BytesType)
		b = protowire.AppendBytes(b, l.appendOrder(scratch[:0], r, r.first+uint64(i)))
	}
	return b
}

func (l *lane) appendOrder(b []byte, r *request, n uint64) []byte {
	b = appendText(b, requestID, l.id(n))
	b = appendText(b, requestSymbol, Symbol)
	b = appendNumber(b, requestSide, uint64(r.side))
	b = appendNumber(b, requestTIF, uint64(l.timeInForce(n)))
	b = appendText(b, requestPrice, l.price(r.side, n).String())
	return appendText(b, requestQuantity, lotSize.String())
}

func appendText[T string | []byte](b []byte, field protowire.Number, text T) []byte {
	b = protowire.AppendVarint(protowire.AppendTag(b, field, protowire.BytesType), uint64(len(text)))
	return append(b, text...)
}

func appendNumber(b []byte, field protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, field, protowire.VarintType), v)
}

// readAnswers returns the answers of a reply, and the cursor of the last one, which
// points into the reply.
func readAnswers(reply []byte, want int) (answers []answered, cursor []byte, err error) {
	answers = make([]answered, 0, want)
	err = fields(reply, func(number protowire.Number, _ uint64, bytes []byte) error {
		if number != responseAnswer {
			return nil
		}
		a := answered{rejected: true}
		rejected := false
		err := fields(bytes, func(number protowire.Number, v uint64, bytes []byte) (err error) {
			switch number { //nolint:exhaustive // the other fields are skipped
			case answerOrderID:
				if a.orderID, err = strconv.ParseUint(string(bytes), 10, 64); err == nil {
					a.rejected = false
				}
			case answerStatus:
				rejected = v == uint64(todokuv1.OrderStatus_ORDER_STATUS_REJECTED)
			case answerCursor:
				cursor = bytes
			}
			return nil
		})
		a.rejected = a.rejected || rejected
		answers = append(answers, a)
		return err
	})
	if err == nil && len(answers) != want {
		err = fmt.Errorf("%w: %d of %d", errAnswers, len(answers), want)
	}
	return answers, cursor, err
}

// fields calls see with every field of a message: numbers as they are, texts and
// messages as bytes. Other types are skipped.
func fields(message []byte, see func(number protowire.Number, v uint64, bytes []byte) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		var v uint64
		var bytes []byte
		switch kind { //nolint:exhaustive // the others are skipped
		case protowire.VarintType:
			v, n = protowire.ConsumeVarint(message)
		case protowire.BytesType:
			bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return protowire.ParseError(n)
		}
		message = message[n:]
		if err := see(number, v, bytes); err != nil {
			return err
		}
	}
	return nil
}
