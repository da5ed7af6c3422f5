package journal

// recordOverhead is what a record in memory costs beside its data, in bytes:
// the struct, and the allocator's rounding of the data.
const recordOverhead = 64

// window holds the newest records in one slice, so that a read is a slice
// expression and copies nothing. Readers keep such slices for as long as they
// like: records are only ever added behind them, never changed in place, and
// records that leave at the front stay valid for readers that still hold them.
type window struct {
	maxBytes   int64
	maxRecords int

	records []Record // consecutive, ascending
	bytes   int64    // cost of records
	dead    int64    // cost of what fell out but is still in the array
}

// add puts a batch behind the window and lets the oldest records fall out until
// the bounds hold again. A batch larger than the bounds leaves it empty.
func (w *window) add(batch []Record) {
	if len(w.records)+len(batch) > cap(w.records) || w.dead > w.maxBytes/4 {
		w.move(len(w.records) + len(batch))
	}
	w.records = append(w.records, batch...)
	for _, record := range batch {
		w.bytes += cost(record)
	}
	drop := 0
	for w.bytes > w.maxBytes || len(w.records)-drop > w.maxRecords {
		freed := cost(w.records[drop])
		w.bytes -= freed
		w.dead += freed
		drop++
	}
	w.records = w.records[drop:]
}

// move takes what is alive to a new array with room for size records and a
// quarter more, and so lets go of the dead ones in the old array.
func (w *window) move(size int) {
	records := make([]Record, len(w.records), size+size/4)
	copy(records, w.records)
	w.records, w.dead = records, 0
}

// reset empties the window.
func (w *window) reset() {
	w.records, w.bytes, w.dead = nil, 0, 0
}

// read returns at most limit records whose sequence is greater than after, and whether the window
// reaches back that far.
func (w *window) read(after uint64, limit int) ([]Record, bool) {
	if len(w.records) == 0 || after+1 < w.records[0].Sequence {
		return nil, false
	}
	start := min(after+1-w.records[0].Sequence, uint64(len(w.records)))
	rest := w.records[start:]
	count := min(limit, len(rest))
	return rest[:count:count], true
}

func cost(record Record) int64 { return int64(len(record.Data)) + recordOverhead }
