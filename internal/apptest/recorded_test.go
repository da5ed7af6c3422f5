package apptest_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"todoku/engine"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/internal/apptest"
	"todoku/journal"
)

// testdata/recorded is a venue as the version of 2026-11-29 left it, which never
// changes: its data directory after a stop that wrote a snapshot, a start, more
// records and a SIGKILL, and what its own commands printed just before: orders,
// positions, books, and alice's stream behind a cursor older than the snapshot.
const (
	recordedCursor = "322bb2110aafaf51:26"
	recordedHead   = 36
	recordedHash   = "8074a0ee932aa8a878527a6eb2625c13ac31211d786908695fe2e9a3cb969df8"
)

// recordedEnd is shortly after the last record, so that DAY orders still work.
func recordedEnd() time.Time { return time.Date(2026, 11, 29, 1, 52, 0, 0, time.UTC) }

// unpackRecorded returns a copy of the recorded data directory.
func unpackRecorded(t *testing.T) string {
	t.Helper()
	packed, err := os.ReadFile(filepath.Join("testdata", "recorded", "data.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return dir
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(header.Name)), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// readRecorded reads messages of the API, one a line, by their keys.
func readRecorded[M proto.Message](t *testing.T, name string, empty func() M, key func(M) string) map[string]M {
	t.Helper()
	lines, err := os.ReadFile(filepath.Join("testdata", "recorded", name))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]M{}
	for line := range bytes.Lines(lines) {
		m := empty()
		if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(line, m); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[key(m)] = m
	}
	return all
}

// TestADirectoryOfAnEarlierVersionOpens compares the answers of this version from the
// recorded directory with those of the version that wrote it.
func TestADirectoryOfAnEarlierVersionOpens(t *testing.T) {
	t.Parallel()
	app := serveRecorded(t)
	orders := readRecorded(t, "orders.jsonl", func() *todokuv1.Order { return &todokuv1.Order{} }, (*todokuv1.Order).GetOrderId)
	positions := readRecorded(t, "positions.jsonl", func() *todokuv1.Position { return &todokuv1.Position{} }, positionKey)
	books := readRecorded(t, "books.jsonl", func() *todokuv1.GetBookResponse { return &todokuv1.GetBookResponse{} }, (*todokuv1.GetBookResponse).GetSymbol)
	for _, user := range []string{"alice", "bob", "carol"} {
		d := app.SignIn(user)
		working, err := d.Orders.ListOrders(t.Context(), &todokuv1.ListOrdersRequest{WorkingOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range working.GetOrders() {
			wantRecorded(t, orders, o.GetOrderId(), o)
		}
		held, err := d.Orders.ListPositions(t.Context(), &todokuv1.ListPositionsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range held.GetPositions() {
			wantRecorded(t, positions, positionKey(p), p)
		}
	}
	d := app.SignIn("vera")
	for symbol, want := range books {
		book, err := d.Market.GetBook(t.Context(), &todokuv1.GetBookRequest{Symbol: symbol})
		if err != nil {
			t.Fatal(err)
		}
		book.Cursor, want.Cursor = "", ""
		wantRecorded(t, books, symbol, book)
	}
	if len(orders)+len(positions)+len(books) > 0 {
		t.Errorf("not served: %v, %v, %v", orders, positions, books)
	}
}

func positionKey(p *todokuv1.Position) string { return p.GetAccount() + " " + p.GetSymbol() }

// wantRecorded compares a message with the recorded one and crosses that off.
func wantRecorded[M proto.Message](t *testing.T, recorded map[string]M, key string, got M) {
	t.Helper()
	want, ok := recorded[key]
	if !ok || !proto.Equal(got, want) {
		t.Errorf("%s is %v, recorded was %v", key, got, want)
	}
	delete(recorded, key)
}

func serveRecorded(t *testing.T) *apptest.App {
	t.Helper()
	config := apptest.Config(unpackRecorded(t))
	began := time.Now()
	config.Clock = func() time.Time { return recordedEnd().Add(time.Since(began)) }
	// Streams end by the machine's clock when their token expires.
	config.Accounts.AccessTTL, config.Accounts.RefreshTTL = 100*365*24*time.Hour, 200*365*24*time.Hour
	config.Accounts.MaxSessionLife = -1
	return apptest.Serve(t, config)
}

// TestACursorOfAnEarlierVersionResumes goes on behind a cursor that the earlier
// version gave out before its snapshot: no Reset, and the same events once each.
func TestACursorOfAnEarlierVersionResumes(t *testing.T) {
	t.Parallel()
	app := serveRecorded(t)
	stream := app.SignIn("alice").Attach(&todokuv1.FeedNotificationRequest{
		ResumeAfter: recordedCursor, Subscription: &todokuv1.Subscription{Symbols: []string{"*"}, Presence: true},
	})
	if start := stream.Hello.GetStart(); start != todokuv1.Hello_START_REPLAY {
		t.Fatalf("the stream begins with %v", start)
	}
	app.SignIn("admin").Announce("resumed")
	place := func(m *todokuv1.Message) string { return fmt.Sprint(m.GetSequence(), "-", m.GetIndex()) }
	events := readRecorded(t, "stream.jsonl", func() *todokuv1.Message { return &todokuv1.Message{} }, place)
	for _, m := range stream.Until("resumed") {
		switch m.GetBody().(type) {
		case *todokuv1.Message_BookBegin, *todokuv1.Message_BookUpdate, *todokuv1.Message_BestBidOffer, *todokuv1.Message_Heartbeat:
			continue // State.
		}
		if m.GetSequence() <= recordedHead {
			wantRecorded(t, events, place(m), m)
		}
	}
	if len(events) > 0 {
		t.Errorf("not replayed: %v", events)
	}
}

// TestAnEarlierJournalReplaysToTheSameState compares the hash of the state with
// that of the earlier version.
func TestAnEarlierJournalReplaysToTheSameState(t *testing.T) {
	t.Parallel()
	store := apptest.OpenJournal(t, unpackRecorded(t))
	log, err := journal.Open(t.Context(), store, journal.Options{})
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.Open(t.Context(), log, engine.Options{Clock: recordedEnd})
	if err != nil {
		t.Fatal(err)
	}
	sequence, sum, err := e.Hash()
	if got := hex.EncodeToString(sum[:]); err != nil || sequence != recordedHead || got != recordedHash {
		t.Errorf("after %d the state is %s, %v", sequence, got, err)
	}
}
