package rpc

import (
	"iter"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	"todoku/feed"
	todokuv1 "todoku/gen/todoku/v1"
	"todoku/push"
	"todoku/push/grpcpush"
)

// Encoder encodes pushed messages as entries of FeedNotificationResponse.messages,
// tag and length included, so that one encoding serves every stream. It is a
// [feed.Encoder] and a [push.Encoder].
//
// Equal messages give equal bytes: the schema has no maps, and fields are written in the
// order of their numbers. All methods are safe for concurrent use.
type Encoder struct {
	head    func() uint64
	digests atomic.Pointer[Digests]
}

// Digests returns the digests, after a sequence, of the accounts among a stream's topics:
// [feed.Feed.Digests].
type Digests func(topics iter.Seq[push.Topic], sequence uint64) []feed.AccountDigest

// NewEncoder returns an encoder whose heartbeats have the venue's latest sequence from
// head, which must not block.
func NewEncoder(head func() uint64) *Encoder { return &Encoder{head: head} }

// SetDigests sets the source of the digests in heartbeats: a feed, which is made after its
// encoder. Before the call heartbeats have no digests.
func (e *Encoder) SetDigests(digests Digests) { e.digests.Store(&digests) }

// Encode implements [feed.Encoder].
func (e *Encoder) Encode(m feed.Message) []byte { return entry(messageOf(&m)) }

// Heartbeat implements [push.Encoder].
func (e *Encoder) Heartbeat(info push.HeartbeatInfo) []byte {
	return entry(&todokuv1.Message{
		Sequence: info.Cursor.Sequence,
		Time:     timestamppb.New(info.Time),
		Body: &todokuv1.Message_Heartbeat{Heartbeat: &todokuv1.Heartbeat{
			ServerTime:        timestamppb.New(info.Time),
			SessionExpireTime: moment(info.Expiry),
			Conflated:         info.Conflated,
			HeadSequence:      max(e.head(), info.Cursor.Sequence),
			Digests:           e.accountDigests(info),
		}},
	})
}

func (e *Encoder) accountDigests(info push.HeartbeatInfo) []*todokuv1.AccountDigest {
	digests := e.digests.Load()
	if digests == nil || info.Topics == nil {
		return nil
	}
	return messages((*digests)(info.Topics, info.Cursor.Sequence), func(d *feed.AccountDigest) *todokuv1.AccountDigest {
		return &todokuv1.AccountDigest{Account: string(d.Account), Digest: d.Sum}
	})
}

// Reconnect implements [push.Encoder].
func (e *Encoder) Reconnect(info push.ReconnectInfo) []byte {
	return entry(&todokuv1.Message{Body: &todokuv1.Message_Reconnect{Reconnect: &todokuv1.Reconnect{
		Reason: string(info.Reason),
		Within: durationpb.New(info.Within),
	}}})
}

// Expiry implements [push.Encoder].
func (e *Encoder) Expiry(at time.Time) []byte {
	return entry(&todokuv1.Message{Body: &todokuv1.Message_SessionUpdate{SessionUpdate: &todokuv1.SessionUpdate{SessionExpireTime: moment(at)}}})
}

// StateBegin implements [push.Encoder].
func (e *Encoder) StateBegin(topic push.Topic) []byte {
	symbol, ok := strings.CutPrefix(string(topic), marketTopic)
	if !ok {
		return nil
	}
	return entry(&todokuv1.Message{Body: &todokuv1.Message_BookBegin{BookBegin: &todokuv1.BookBegin{Symbol: symbol}}})
}

// HasState is push.Config.HasState: only markets have state.
func (e *Encoder) HasState(topic push.Topic) bool {
	return strings.HasPrefix(string(topic), marketTopic)
}

// marketTopic is the prefix of the feed's instrument topics, as a test ensures.
const marketTopic = "market:"

// entry marshals a message as one entry of the repeated field.
func entry(m *todokuv1.Message) []byte {
	data, err := grpcpush.Standard().Encode(m)
	if err != nil {
		panic("rpc: a message of ours does not marshal: " + err.Error()) //nolint:forbidigo // broken invariant: texts are checked to be UTF-8 before they are journaled
	}
	return data
}

// messageOf converts a feed message to the schema's message.
func messageOf(m *feed.Message) *todokuv1.Message {
	w := &todokuv1.Message{Sequence: m.Sequence, Index: m.Index, Time: timestamp(m.Time)}
	switch b := m.Body.(type) {
	case *feed.SnapshotBegin:
		w.Body = &todokuv1.Message_SnapshotBegin{SnapshotBegin: &todokuv1.SnapshotBegin{}}
	case *feed.SnapshotEnd:
		w.Body = &todokuv1.Message_SnapshotEnd{SnapshotEnd: &todokuv1.SnapshotEnd{}}
	case *feed.Reset:
		cause, text := resetCause(b.Cause)
		w.Body = &todokuv1.Message_Reset_{Reset_: &todokuv1.Reset{Cause: cause, Text: text}}
	case feed.Execution:
		w.Body = &todokuv1.Message_ExecutionReport{ExecutionReport: reportMessage(b.ExecutionID(), b.ExecutionReport, m.Time)}
	case feed.CancelRejected:
		w.Body = &todokuv1.Message_CancelReject{CancelReject: &todokuv1.CancelReject{
			Order: orderMessage(&b.Order), RequestId: string(b.Request), Reason: reasonMessage(b.Reason),
		}}
	case *feed.PartyTrade:
		w.Body = &todokuv1.Message_Trade{Trade: partyTradeMessage(b)}
	case feed.Position:
		w.Body = &todokuv1.Message_PositionUpdate{PositionUpdate: positionMessage(b.Position)}
	case *feed.AccountLimits:
		w.Body = &todokuv1.Message_LimitUpdate{LimitUpdate: limitsMessage(b.Account, &b.Limits)}
	case feed.OrderState:
		w.Body = &todokuv1.Message_Order{Order: orderMessage(b.Order)}
	case *feed.Presence:
		w.Body = &todokuv1.Message_UserPresence{UserPresence: &todokuv1.UserPresence{DisplayName: b.DisplayName, Online: b.Online}}
	case *feed.Announcement:
		w.Body = &todokuv1.Message_Announcement{Announcement: &todokuv1.Announcement{From: b.From, Text: b.Text}}
	case feed.Instrument:
		w.Body = &todokuv1.Message_InstrumentUpdate{InstrumentUpdate: instrumentMessage(b.Instrument)}
	case feed.User:
		w.Body = &todokuv1.Message_UserUpdate{UserUpdate: userMessage(b.User)}
	case feed.Print:
		w.Body = &todokuv1.Message_TradePrint{TradePrint: printMessage(b.Print)}
	case *feed.LevelUpdate:
		w.Body = &todokuv1.Message_BookUpdate{BookUpdate: &todokuv1.BookUpdate{
			Symbol: string(b.Symbol), Side: todokuv1.Side(b.Side), Level: levelMessage(&b.Level), BookVersion: b.BookVersion,
		}}
	case *feed.Best:
		w.Body = &todokuv1.Message_BestBidOffer{BestBidOffer: &todokuv1.BestBidOffer{
			Symbol: string(b.Symbol), Bid: sideMessage(&b.Bid), Offer: sideMessage(&b.Offer),
			BookVersion: b.BookVersion, LastPrice: priceText(b.LastPrice),
		}}
	}
	return w
}

func resetCause(cause feed.Cause) (todokuv1.Reset_Cause, string) {
	switch cause {
	case feed.CauseUnknownEpoch:
		return todokuv1.Reset_CAUSE_UNKNOWN_EPOCH, "The cursor is of another history: the venue was set up anew."
	case feed.CauseTooFarBehind:
		return todokuv1.Reset_CAUSE_TOO_FAR_BEHIND, "Too much happened since the cursor, or too long ago, to replay it."
	case feed.CauseCompacted:
		return todokuv1.Reset_CAUSE_COMPACTED, "The history of that time is no longer kept."
	case feed.CauseUserChanged:
		return todokuv1.Reset_CAUSE_USER_CHANGED, "The user's roles or accounts changed since."
	case feed.CauseNone:
	}
	return todokuv1.Reset_CAUSE_UNSPECIFIED, ""
}
