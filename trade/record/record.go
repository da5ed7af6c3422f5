package record

import "todoku/trade"

// Encode appends a record to dst and returns the longer slice. The journal keeps
// Sequence and Time beside the record, so they are left out, and so is the Sequence of
// the answer and of what the record changed. The error is [ErrUnwritable]; dst is then
// returned as it was.
func Encode(dst []byte, r *trade.Record) ([]byte, error) {
	w := writer{buf: dst, sequence: r.Sequence}
	c := &r.Command
	writeEnum(&w, 1, c.Kind, trade.CommandKindCount)
	writeText(&w, 2, c.User)
	writeText(&w, 3, c.Account)
	writeText(&w, 4, c.Request)
	w.fixed(5, c.Fingerprint)
	start := w.open(6)
	writeAnswer(&w, &c.Answer, 0)
	w.close(start)
	for _, event := range r.Events {
		start := w.open(7)
		writeEvent(&w, event)
		w.close(start)
	}
	if w.err != nil {
		return dst, w.err
	}
	return w.buf, nil
}

// Decode reads what [Encode] wrote; sequence and time are the journal's. The
// error is [ErrMalformed]. Nothing in the record refers to data.
func Decode(sequence uint64, time int64, data []byte) (*trade.Record, error) {
	r := reader{buf: data, sequence: sequence}
	record := &trade.Record{Sequence: sequence, Time: time}
	if n := r.count(7); n > 0 {
		record.Events = make([]trade.Event, 0, n)
	}
	return readRecord(&r, record)
}

// readRecord reads a record that has nothing but its place in the journal.
func readRecord(r *reader, record *trade.Record) (*trade.Record, error) {
	c := &record.Command
	for r.next() {
		switch r.field {
		case 1:
			c.Kind = readEnum[trade.CommandKind](r, trade.CommandKindCount)
		case 2:
			c.User = readText[trade.UserID](r)
		case 3:
			c.Account = readText[trade.AccountID](r)
		case 4:
			c.Request = r.request()
		case 5:
			c.Fingerprint = r.fixed()
		case 6:
			rest := r.open()
			readAnswer(r, &c.Answer)
			r.close(rest)
		case 7:
			rest := r.open()
			record.Events = append(record.Events, readEvent(r))
			r.close(rest)
		default:
			r.skip()
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	c.Answer.Sequence = record.Sequence
	return record, nil
}

// writeAnswer writes the sequence in a snapshot only. The subject is left out if it is the
// one that answers of earlier versions had: an order, if there is an id.
func writeAnswer(w *writer, a *trade.Answer, sequence uint64) {
	w.uint(1, a.ID)
	writeEnum(w, 2, a.Status, trade.OrderStatusCount)
	w.int(3, int64(a.Filled))
	w.int(4, int64(a.Leaves))
	w.reason(5, a.Reason)
	w.uint(6, uint64(a.Count))
	w.uint(7, sequence)
	if a.Subject == trade.SubjectNone && a.ID != 0 {
		w.fail("an id without a subject")
	}
	if a.Subject != subjectOf(a.ID) {
		writeEnum(w, 8, a.Subject, trade.SubjectCount)
	}
}

func subjectOf(id uint64) trade.Subject {
	if id == 0 {
		return trade.SubjectNone
	}
	return trade.SubjectOrder
}

func readAnswer(r *reader, a *trade.Answer) {
	for r.next() {
		switch r.field {
		case 1:
			a.ID = r.uint()
			a.Subject = subjectOf(a.ID)
		case 2:
			a.Status = readEnum[trade.OrderStatus](r, trade.OrderStatusCount)
		case 3:
			a.Filled = trade.Quantity(r.int())
		case 4:
			a.Leaves = trade.Quantity(r.int())
		case 5:
			a.Reason = r.reason()
		case 6:
			a.Count = r.uint32()
		case 7:
			a.Sequence = r.uint()
		case 8:
			a.Subject = readEnum[trade.Subject](r, trade.SubjectCount)
		default:
			r.skip()
		}
	}
}
