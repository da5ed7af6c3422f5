package record

import "todoku/trade"

// requestsField is the field of a snapshot's requests. They are last and nearly all of
// it, millions at the end of a busy day. A request is always encoded to the same bytes,
// so the next snapshot can copy them.
const requestsField = 13

// Requests are the encoded requests of a snapshot, oldest first.
type Requests []byte

// CutRequests splits a snapshot that [EncodeSnapshot] wrote: core is the same snapshot
// without its requests, for [DecodeSnapshot]. Both share memory with data. The error
// is [ErrMalformed].
func CutRequests(data []byte) (core []byte, requests Requests, err error) {
	r := reader{buf: data}
	from, to := 0, 0
	for r.next() && r.field <= requestsField { // Fields of later versions are dropped.
		r.skip()
		to = len(data) - len(r.buf)
		if r.field < requestsField {
			from = to
		}
	}
	if r.err != nil {
		return nil, nil, r.err
	}
	return data[:from], data[from:to], nil
}

// Since returns those that were answered at a time or later. The error is
// [ErrMalformed].
func (q Requests) Since(time int64) (Requests, error) {
	r := reader{buf: q}
	for {
		from := r.buf
		if !r.next() {
			return nil, r.err
		}
		var request trade.RequestState
		rest := r.open()
		readRequest(&r, &request)
		r.close(rest)
		if r.err != nil {
			return nil, r.err
		}
		if request.Time >= time {
			return from, nil
		}
	}
}

func writeRequest(w *writer, s *trade.RequestState) {
	writeText(w, 1, s.User)
	writeText(w, 2, s.Account)
	writeText(w, 3, s.Request)
	w.fixed(4, s.Fingerprint)
	w.int(5, s.Time)
	start := w.open(6)
	writeAnswer(w, &s.Answer, s.Answer.Sequence)
	w.close(start)
}

func readRequest(r *reader, s *trade.RequestState) {
	for r.next() {
		switch r.field {
		case 1:
			s.User = readText[trade.UserID](r)
		case 2:
			s.Account = readText[trade.AccountID](r)
		case 3:
			s.Request = r.request()
		case 4:
			s.Fingerprint = r.fixed()
		case 5:
			s.Time = r.int()
		case 6:
			rest := r.open()
			readAnswer(r, &s.Answer)
			r.close(rest)
		default:
			r.skip()
		}
	}
}
