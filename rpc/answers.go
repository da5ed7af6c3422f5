package rpc

import (
	"errors"
	"strconv"
	"strings"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/trade"
)

// answerSheet is the answers of one batch. They share a few allocations: a
// batch has up to a thousand orders and is answered as a whole, and an allocation per field
// would cost more than the order.
type answerSheet struct {
	list    []*todokuv1.OrderAnswer
	answers []todokuv1.OrderAnswer
	text    strings.Builder // All texts that differ from order to order.
}

// answerText is the usual length of an answer's order id and cursor together.
const answerText = 64

func newAnswerSheet(orders int) *answerSheet {
	s := &answerSheet{
		list:    make([]*todokuv1.OrderAnswer, orders),
		answers: make([]todokuv1.OrderAnswer, orders),
	}
	s.text.Grow(orders * answerText)
	return s
}

// answer records the engine's answer to an entry.
func (s *answerSheet) answer(entry int, request trade.RequestID, a *trade.Answer, cursor push.Cursor) {
	m := &s.answers[entry]
	fillAnswer(m, request, a)
	var buffer [push.MaxEpoch + 21]byte
	if order := a.Order(); order != 0 {
		m.OrderId = s.keep(strconv.AppendUint(buffer[:0], uint64(order), 10))
	}
	m.Cursor = s.keep(cursor.Append(buffer[:0]))
	s.list[entry] = m
}

// keep copies bytes, which the caller reuses, and returns them as a text.
func (s *answerSheet) keep(b []byte) string {
	from := s.text.Len()
	s.text.Write(b)
	return s.text.String()[from:]
}

// refuse answers an entry that was refused, naming the field by the entry's place,
// or returns any other error.
func (s *answerSheet) refuse(entry int, req *todokuv1.PlaceOrderRequest, err error) error {
	var refusal *trade.Refusal
	if !errors.As(err, &refusal) {
		return err
	}
	m := &s.answers[entry]
	m.ClientOrderId = req.GetClientOrderId()
	m.Status = todokuv1.OrderStatus_ORDER_STATUS_REJECTED
	m.FilledQuantity, m.LeavesQuantity = "0", "0"
	m.Reason = reasonMessage(refusal.Reason)
	if refusal.Detail != "" {
		m.Reason.Text += " (" + refusal.Detail + ")"
	}
	if refusal.Field != "" {
		m.Field = "orders[" + strconv.Itoa(entry) + "]." + refusal.Field
	}
	s.list[entry] = m
	return nil
}

// fillAnswer is the engine's answer to a request about one order, without the
// texts that a sheet keeps: order id and cursor.
func fillAnswer(m *todokuv1.OrderAnswer, request trade.RequestID, a *trade.Answer) {
	m.ClientOrderId = string(request)
	m.Status = todokuv1.OrderStatus(a.Status)
	m.FilledQuantity = a.Filled.String()
	m.LeavesQuantity = a.Leaves.String()
	m.Reason = reasonMessage(a.Reason)
	m.Sequence = a.Sequence
}
