package record

import "todoku/trade"

// The parts of records, for databases that keep them one by one. The bytes are those
// in a record, and reading has the same rules.

// EncodeOrder appends an order to dst. The error is [ErrUnwritable]; dst is then
// returned as it was.
func EncodeOrder(dst []byte, o *trade.Order) ([]byte, error) {
	c := codec{field: writing, buf: dst}
	order(&c, whole, o)
	return c.written(dst)
}

// DecodeOrder reads what [EncodeOrder] wrote. The error is [ErrMalformed].
func DecodeOrder(data []byte) (*trade.Order, error) { return decodePart(data, order) }

// EncodeReport appends an execution report to dst. The error is [ErrUnwritable];
// dst is then returned as it was.
func EncodeReport(dst []byte, e *trade.ExecutionReport) ([]byte, error) {
	c := codec{field: writing, buf: dst}
	report(&c, whole, e)
	return c.written(dst)
}

// DecodeReport reads what [EncodeReport] wrote. The error is [ErrMalformed].
func DecodeReport(data []byte) (*trade.ExecutionReport, error) { return decodePart(data, report) }

func decodePart[T any](data []byte, read func(*codec, int32, *T)) (*T, error) {
	c := codec{buf: data}
	part := new(T)
	read(&c, whole, part)
	if c.err != nil {
		return nil, c.err
	}
	return part, nil
}
