package bench

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	todokuv1 "todoku/gen/todoku/v1"
	"todoku/trade"
)

// lane is the work of one connection: it numbers the orders, makes the requests,
// and keeps the answers. Safe for concurrent use.
type lane struct {
	index    int
	schedule *schedule
	batch    int
	market   Market
	pair     [2]*session // who buys, who sells
	requests atomic.Uint64

	mu sync.Mutex // protects what follows
	// acks holds the venue's order id by the order's number, 0 for an order without one.
	acks     []uint64
	latency  histogram // of requests
	late     histogram // how long after it was due a request was sent
	orders   uint64    // acknowledged within the measured time
	rejected uint64    // acknowledged and rejected
	failed   uint64    // requests that ended with an error
	firstErr error
	cursor   string
}

// request is one request on its way. Order i of it has the number first+i.
type request struct {
	first     uint64
	size      int
	user      *session
	side      todokuv1.Side
	due, sent time.Time
}

func newLane(index int, plan *schedule, config OrdersConfig, all []*session) *lane {
	users := len(all)
	buyer := 2 * index % (users - users%2)
	return &lane{
		index: index, schedule: plan, batch: config.Batch, market: config.Market,
		pair: [2]*session{all[buyer], all[buyer+1]},
	}
}

// next makes the next request, or returns false when the run is over.
func (l *lane) next() (request, bool) {
	due, ok := l.schedule.next()
	if !ok {
		return request{}, false
	}
	n := l.requests.Add(1) - 1
	r := request{first: n * uint64(l.batch), size: l.batch, due: due}
	// Single orders change sides after each pair: one rests, one takes.
	turn := n
	if l.batch == 1 {
		turn = n / 2
	}
	r.user, r.side = l.pair[turn%2], todokuv1.Side_SIDE_BUY
	if turn%2 == 1 {
		r.side = todokuv1.Side_SIDE_SELL
	}
	return r, true
}

// keepPace calls send with each request when it is due, until the run is over.
func (l *lane) keepPace(ctx context.Context, send func(request) error) error {
	var sleeper sleeper
	for {
		r, ok := l.next()
		if !ok {
			return nil
		}
		if err := sleeper.until(ctx, r.due); err != nil {
			return err
		}
		if err := send(r); err != nil {
			return err
		}
	}
}

// depth is the largest distance of resting orders from the middle, in ticks.
const depth = 10

// price returns the limit of an order: resting orders have even numbers and stay on
// their own side of the middle; taking ones cross all levels of the other side.
func (l *lane) price(side todokuv1.Side, n uint64) trade.Price {
	ticks := 1 + trade.Price(n/2%depth)
	if takes(n) {
		ticks = -(depth + 1)
	}
	if side == todokuv1.Side_SIDE_BUY {
		ticks = -ticks
	}
	return middlePrice + ticks*tickSize
}

func takes(n uint64) bool { return n%2 == 1 }

func (l *lane) timeInForce(n uint64) todokuv1.TimeInForce {
	if takes(n) {
		return todokuv1.TimeInForce_TIME_IN_FORCE_IOC
	}
	return todokuv1.TimeInForce_TIME_IN_FORCE_DAY
}

// id names an order: the lane, then its number there.
func (l *lane) id(n uint64) string {
	return l.market.run + "-" + strconv.Itoa(l.index) + "-" + strconv.FormatUint(n, 10)
}

// parseID reads what id wrote; false for orders of others.
func parseID(run, id string) (index int, n uint64, ok bool) {
	numbers, ours := strings.CutPrefix(id, run+"-")
	first, second, _ := strings.Cut(numbers, "-")
	index, err := strconv.Atoi(first)
	n, err2 := strconv.ParseUint(second, 10, 64)
	return index, n, ours && err == nil && err2 == nil
}

// answered is the part of an answer that the audit needs.
type answered struct {
	orderID  uint64
	rejected bool
}

// done keeps the result of a request.
func (l *lane) done(r *request, answers []answered, cursor string, err error) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if !r.due.Before(l.schedule.measure) {
		l.late.record(r.sent.Sub(r.due))
		l.latency.record(now.Sub(r.due))
	}
	if err != nil {
		l.failed++
		if l.firstErr == nil {
			l.firstErr = err
		}
		return
	}
	if now.After(l.schedule.measure) && now.Before(l.schedule.end) {
		l.orders += uint64(len(answers))
	}
	if cursor != "" {
		l.cursor = cursor
	}
	if end := r.first + uint64(r.size); end > uint64(len(l.acks)) {
		l.acks = append(l.acks, make([]uint64, end-uint64(len(l.acks)))...)
	}
	for i, a := range answers {
		if a.rejected {
			l.rejected++
			continue
		}
		l.acks[r.first+uint64(i)] = a.orderID
	}
}
