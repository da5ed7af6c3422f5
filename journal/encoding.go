package journal

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"
)

// How a batch is encoded in every Store, little-endian and of fixed width, so that it
// has exactly one form:
//
//	byte    version, 1
//	uint32  checksum of the record before this batch, 0 for the first ever
//	uint32  number of records, at least 1
//	then for each record:
//	uint64  sequence
//	int64   time
//	uint32  length of data
//	        data
//	uint32  CRC-32C (Castagnoli) of sequence, time, length and data, continued
//	        from the checksum before
//
// Each checksum continues the one before, over batches too: a changed bit is
// found at its own record, and a batch exchanged for another valid one at the
// next link.
const (
	batchVersion     = 1
	batchHeaderSize  = 1 + 4 + 4
	recordHeaderSize = 8 + 8 + 4
	checksumSize     = 4
)

// Batch is what was appended as one: consecutive records, and their place in the
// chain of checksums.
type Batch struct {
	// Previous is the checksum of the record before the first.
	Previous uint32
	// Records is never empty.
	Records []Record
	// Checksum is that of the last record.
	Checksum uint32
}

// EncodeBatch appends the stored form of records to buffer and returns it
// together with the checksum of the last record. Previous is the checksum of
// the record before. The records must have passed [CheckBatch].
func EncodeBatch(buffer []byte, previous uint32, records []Record) (data []byte, checksum uint32) {
	size := batchHeaderSize
	for _, record := range records {
		size += recordHeaderSize + len(record.Data) + checksumSize
	}
	data = slices.Grow(buffer, size)
	data = append(data, batchVersion)
	data = binary.LittleEndian.AppendUint32(data, previous)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(records)))
	table := crc32.MakeTable(crc32.Castagnoli)
	checksum = previous
	for _, record := range records {
		start := len(data)
		data = binary.LittleEndian.AppendUint64(data, record.Sequence)
		data = binary.LittleEndian.AppendUint64(data, uint64(record.Time))
		data = binary.LittleEndian.AppendUint32(data, uint32(len(record.Data)))
		data = append(data, record.Data...)
		checksum = crc32.Update(checksum, table, data[start:])
		data = binary.LittleEndian.AppendUint32(data, checksum)
	}
	return data, checksum
}

// DecodeBatch reads the stored form of a batch whose first record must have the
// sequence first. The records' Data point into data. Whatever was changed, the
// error is a *CorruptError with the first record that cannot be trusted.
func DecodeBatch(first uint64, data []byte) (Batch, error) {
	if len(data) < batchHeaderSize {
		return Batch{}, &CorruptError{first, fmt.Sprintf("batch of %d bytes", len(data))}
	}
	if data[0] != batchVersion {
		return Batch{}, &CorruptError{first, fmt.Sprintf("batch format %d, want %d", data[0], batchVersion)}
	}
	previous := binary.LittleEndian.Uint32(data[1:])
	count := uint64(binary.LittleEndian.Uint32(data[5:]))
	rest := data[batchHeaderSize:]
	// The count is not under a checksum: nothing is allocated on its word alone.
	if count == 0 || count > uint64(len(rest)/(recordHeaderSize+checksumSize)) {
		return Batch{}, &CorruptError{first, fmt.Sprintf("batch of %d bytes claims %d records", len(data), count)}
	}
	batch := Batch{Previous: previous, Checksum: previous, Records: make([]Record, 0, count)}
	table := crc32.MakeTable(crc32.Castagnoli)
	var lastTime int64
	for sequence := first; sequence-first < count; sequence++ {
		record, size, err := decodeRecord(sequence, rest)
		if err != nil {
			return Batch{}, err
		}
		checksum := crc32.Update(batch.Checksum, table, rest[:size])
		if checksum != binary.LittleEndian.Uint32(rest[size:]) {
			return Batch{}, &CorruptError{sequence, "checksum does not match"}
		}
		if record.Sequence != sequence {
			return Batch{}, &CorruptError{sequence, fmt.Sprintf("sequence %d in its place", record.Sequence)}
		}
		if record.Time < lastTime {
			return Batch{}, &CorruptError{sequence, fmt.Sprintf("time %d before %d", record.Time, lastTime)}
		}
		lastTime, batch.Checksum = record.Time, checksum
		batch.Records = append(batch.Records, record)
		rest = rest[size+checksumSize:]
	}
	if len(rest) != 0 {
		return Batch{}, &CorruptError{first + count, fmt.Sprintf("%d bytes after the end of the batch", len(rest))}
	}
	return batch, nil
}

// decodeRecord reads the record at the start of data, and its size without the
// checksum, which is certain to follow. Sequence is only for the error.
func decodeRecord(sequence uint64, data []byte) (record Record, size int, err error) {
	if len(data) < recordHeaderSize+checksumSize {
		return Record{}, 0, &CorruptError{sequence, "batch ends before it"}
	}
	length := uint64(binary.LittleEndian.Uint32(data[16:]))
	if length > uint64(len(data)-recordHeaderSize-checksumSize) {
		return Record{}, 0, &CorruptError{sequence, "batch ends inside it"}
	}
	size = recordHeaderSize + int(length)
	return Record{
		Sequence: binary.LittleEndian.Uint64(data),
		Time:     int64(binary.LittleEndian.Uint64(data[8:])),
		Data:     data[recordHeaderSize:size:size],
	}, size, nil
}
