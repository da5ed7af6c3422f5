package record

import "todoku/trade"

// Parts of records, for databases that store them one by one. The bytes and the rules of
// decoding are those of records.

// EncodeOrder appends an order to dst. The error is [ErrUnwritable]; dst is then
// returned as it was.
func EncodeOrder(dst []byte, o *trade.Order) ([]byte, error) {
	return encodePart(dst, o, writeOrder)
}

// DecodeOrder reads what [EncodeOrder] wrote. The error is [ErrMalformed].
func DecodeOrder(data []byte) (*trade.Order, error) { return decodePart(data, readOrder) }

// EncodeReport appends an execution report to dst. The error is [ErrUnwritable];
// dst is then returned as it was.
func EncodeReport(dst []byte, e *trade.ExecutionReport) ([]byte, error) {
	return encodePart(dst, e, writeReport)
}

// DecodeReport reads what [EncodeReport] wrote. The error is [ErrMalformed].
func DecodeReport(data []byte) (*trade.ExecutionReport, error) { return decodePart(data, readReport) }

func encodePart[T any](dst []byte, part *T, write func(*writer, *T)) ([]byte, error) {
	w := writer{buf: dst}
	write(&w, part)
	if w.err != nil {
		return dst, w.err
	}
	return w.buf, nil
}

func decodePart[T any](data []byte, read func(*reader, *T)) (*T, error) {
	r := reader{buf: data}
	part := new(T)
	read(&r, part)
	if r.err != nil {
		return nil, r.err
	}
	return part, nil
}
