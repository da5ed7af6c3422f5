package rpc

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// The largest answer and the largest response of a stream, with room for what is beside
// their items. gRPC clients take 4 MiB by default.
const largestAnswer = answerBytes + 64<<10

func TestOneCommandWithThousandsOfEventsIsListedAndPushedInPieces(t *testing.T) {
	const orders = 8000
	v := open(t)
	alice := v.signIn("alice")
	for batch := range orders / maxBatch {
		req := &todokuv1.PlaceOrdersRequest{}
		for i := range maxBatch {
			req.Orders = append(req.Orders, &todokuv1.PlaceOrderRequest{
				ClientOrderId: fmt.Sprintf("a-%d-%d", batch, i), Symbol: "USDJPY", Side: todokuv1.Side_SIDE_BUY,
				Price: "150", Quantity: "5",
			})
		}
		res, err := v.orders.PlaceOrders(alice.ctx, req)
		must(t, err)
		if a := res.GetAnswers()[0]; a.GetStatus() != todokuv1.OrderStatus_ORDER_STATUS_NEW {
			t.Fatalf("answered %v", a)
		}
	}
	before := v.cursor(v.journal.Head())
	must(t, v.feed.WaitFor(t.Context(), v.journal.Head()))
	watching := alice.attach(&todokuv1.FeedNotificationRequest{ResumeAfter: before})
	canceled, err := v.orders.MassCancelOrders(alice.ctx, &todokuv1.MassCancelOrdersRequest{RequestId: "all"})
	must(t, err)
	must(t, v.feed.WaitFor(t.Context(), canceled.GetSequence()))

	var pushed, listed []string
	var last *todokuv1.FeedNotificationResponse
	for len(pushed) < orders {
		m := watching.until("a report", func(m *todokuv1.Message) bool { return m.GetExecutionReport() != nil })
		if watching.last != last {
			last = watching.last
			if size := proto.Size(last); size > largestAnswer {
				t.Fatalf("a response of the stream has %d bytes", size)
			}
		}
		pushed = append(pushed, m.GetExecutionReport().GetExecutionId())
	}
	req := &todokuv1.ListNotificationsRequest{After: before, PageSize: 1}
	within := ""
	for pages := 0; ; pages++ {
		res, err := v.notes.ListNotifications(alice.ctx, req)
		must(t, err)
		if size := proto.Size(res); size > largestAnswer || pages > 10 {
			t.Fatalf("answer %d has %d bytes", pages, size)
		}
		for _, m := range res.GetMessages() {
			if report := m.GetExecutionReport(); report != nil {
				listed = append(listed, report.GetExecutionId())
			}
		}
		if req.After = res.GetCursor(); res.GetEnd() {
			break
		}
		if strings.Contains(req.GetAfter(), ".") {
			within = req.GetAfter()
		}
	}
	if !slices.Equal(pushed, listed) {
		t.Errorf("%d reports were listed, %d pushed, or others", len(listed), len(pushed))
	}

	_, err = v.notes.ListNotifications(alice.ctx, &todokuv1.ListNotificationsRequest{After: fmt.Sprintf("%s:%d.0", v.journal.Epoch(), 1<<40)})
	fails(t, err, "BAD_CURSOR")
	stream, err := v.notes.FeedNotification(alice.ctx, &todokuv1.FeedNotificationRequest{ConnectionId: alice.connection, ResumeAfter: within})
	must(t, err)
	_, err = stream.Recv()
	fails(t, err, "BAD_CURSOR") // A stream resumes after whole commands.
}

func TestAPageThatDoesNotFitIntoAnAnswerGoesOnWithTheNext(t *testing.T) {
	text := string(make([]byte, answerBytes/3))
	items := []trade.Print{{ID: 9}, {ID: 8}, {ID: 7}, {ID: 6}}
	announcement := func(*trade.Print) *todokuv1.Announcement { return &todokuv1.Announcement{Text: text} }
	if n := len(fitting(items, announcement)); n != 2 {
		t.Errorf("%d items fit, want 2", n)
	}
	text += text + text + text
	if n := len(fitting(items, announcement)); n != 1 {
		t.Errorf("%d items that are too large alone are sent, want 1", n)
	}
}
