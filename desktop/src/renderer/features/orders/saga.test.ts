// Orders at a venue that loses requests and answers: no order is entered twice or late, and the
// screen always learns the outcome.
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { configureStore } from '@reduxjs/toolkit';
import createSagaMiddleware, { type Task } from 'redux-saga';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ErrorInfoSchema } from '../../../gen/google/rpc/error_pb';
import { Hello_Start } from '../../../gen/todoku/v1/notification_pb';
import { type MassCancelOrdersRequest, type OrderAnswer, OrderAnswerSchema, OrderService, type PlaceOrderRequest, type ReplaceOrderRequest } from '../../../gen/todoku/v1/order_pb';
import { ExecType, type Order as OrderMessage, OrderSchema, OrderStatus, OrderType, Side, TimeInForce } from '../../../gen/todoku/v1/types_pb';
import type { Shell } from '../../venue/shell';
import { createVenue } from '../../venue/venue';
import type { Item } from '../feed/items';
import { feed, feedReducer } from '../feed/slice';
import { marketReducer } from '../market/slice';
import { session, sessionReducer } from '../session/slice';
import { type OrdersContext, ordersSaga, resendMs } from './saga';
import { type NewOrder, orders, ordersReducer, type OrdersState } from './slice';

type Answer = Pick<MessageInitShape<typeof OrderAnswerSchema>, 'orderId' | 'status' | 'reason'>;
type Fate = 'answered' | 'requestLost' | 'replyLost' | 'expired';

const reason = (code: Code, word: string): ConnectError => new ConnectError(word, code, undefined, [{ desc: ErrorInfoSchema, value: { reason: word, domain: 'todoku' } }]);

/** Answers as the venue does: each request id is carried out once and remembered. */
class FakeVenue {
  /** What happens to the next calls, one each; later calls are answered. */
  fates: Fate[] = [];
  /** Why the book takes no new order; undefined if it does. */
  refuses = '';
  /** Whether an entered order ends at once, as an IOC order does. */
  ends = false;
  calls: string[] = [];
  book = new Map<string, OrderMessage>();
  sequence = 100;
  epoch = 'e';
  readonly #answered = new Map<string, { content: string; answer: OrderAnswer }>();

  get cursor(): string {
    return `${this.epoch}:${this.sequence}`;
  }

  /** Every order that was entered; none may be in it twice. */
  get entered(): string[] {
    return [...this.book.values()].filter((order) => order.status !== OrderStatus.REJECTED).map((order) => order.clientOrderId);
  }

  #fated<T>(name: string, act: () => T): T {
    this.calls.push(name);
    const fate = this.fates.shift() ?? 'answered';
    if (fate === 'expired') throw reason(Code.Unauthenticated, 'TOKEN_EXPIRED');
    if (fate === 'requestLost') throw new ConnectError('unavailable', Code.Unavailable);
    const reply = act();
    if (fate === 'replyLost') throw new ConnectError('unavailable', Code.Unavailable);
    return reply;
  }

  #once(id: string, request: object, act: () => Answer): { answer: OrderAnswer } {
    const content = JSON.stringify(request, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}` : value));
    const before = this.#answered.get(id);
    if (before && before.content !== content) throw reason(Code.AlreadyExists, 'REQUEST_REUSED');
    if (before) return { answer: before.answer };
    this.sequence += 1;
    const answer = create(OrderAnswerSchema, { clientOrderId: id, ...act(), sequence: BigInt(this.sequence), cursor: this.cursor });
    this.#answered.set(id, { content, answer });
    return { answer };
  }

  place(request: PlaceOrderRequest): { answer: OrderAnswer } {
    return this.#fated('place', () =>
      this.#once(request.clientOrderId, request, () => {
        const orderId = String(this.sequence);
        const stale = request.seenBookVersion !== undefined && request.seenBookVersion > 1_000_000n;
        const refusal = this.refuses || (stale ? 'STALE_VIEW' : '');
        const status = refusal ? OrderStatus.REJECTED : this.ends ? OrderStatus.CANCELED : OrderStatus.NEW;
        this.book.set(orderId, create(OrderSchema, { orderId, clientOrderId: request.clientOrderId, account: 'alice', symbol: request.symbol, price: request.price, quantity: request.quantity, status, sequence: BigInt(this.sequence) }));
        const code = refusal ? 406 : this.ends ? 702 : 0;
        return { orderId, status, ...(code ? { reason: { code, name: refusal || 'NO_LIQUIDITY', text: 'A sentence.' } } : {}) };
      }),
    );
  }

  replace(request: ReplaceOrderRequest): { answer: OrderAnswer } {
    return this.#fated('replace', () =>
      this.#once(request.clientOrderId, request, () => {
        const stays = request.seenBookVersion !== undefined || this.refuses !== '';
        return { orderId: request.orderId, status: OrderStatus.NEW, ...(stays ? { reason: { code: 406, name: 'STALE_VIEW', text: 'A sentence.' } } : {}) };
      }),
    );
  }

  context(now: () => number): OrdersContext {
    const transport = createRouterTransport(({ service }) => {
      service(OrderService, {
        placeOrder: (request) => this.place(request),
        replaceOrder: (request) => this.replace(request),
        cancelOrder: (request) =>
          this.#fated('cancel', () =>
            this.#once(request.clientOrderId, request, () => ({ status: OrderStatus.CANCELED, reason: { code: 701, name: 'REQUESTED', text: 'Canceled on request.' } })),
          ),
        massCancelOrders: (request: MassCancelOrdersRequest) =>
          this.#fated('cancelAll', () => {
            const { answer } = this.#once(request.requestId, request, () => ({}));
            return { canceled: 2, sequence: answer.sequence, cursor: answer.cursor };
          }),
        getOrder: (request) =>
          this.#fated('get', () => {
            const order = [...this.book.values()].find((one) => one.clientOrderId === request.clientOrderId);
            if (!order) throw reason(Code.NotFound, 'UNKNOWN_ORDER');
            return { order, cursor: this.cursor };
          }),
        listExecutions: () => ({ executions: [] }),
      });
    });
    let ids = 0;
    return { venue: createVenue({ kind: 'web', transport } as Shell), now, random: () => 0.5, newId: () => `made-${ids++}` };
  }
}

const order: NewOrder = { symbol: 'USDJPY', account: '', side: Side.BUY, type: OrderType.LIMIT, timeInForce: TimeInForce.DAY, postOnly: false, price: '150.5', quantity: '5' };

function screen(venue: FakeVenue) {
  const saga = createSagaMiddleware();
  const store = configureStore({
    reducer: { orders: ordersReducer, feed: feedReducer, market: marketReducer, session: sessionReducer },
    middleware: (defaults) => defaults({ thunk: false }).concat(saga),
  });
  const task: Task = saga.run(function* root() {
    yield* ordersSaga(venue.context(() => Date.now()));
  });
  return {
    task,
    store,
    place: (id: string) => store.dispatch(orders.requested({ kind: 'place', order }, id, Date.now())),
    change: (change: Parameters<typeof orders.requested>[0], id: string) => store.dispatch(orders.requested(change, id, Date.now())),
    /** The stream delivers items, or only its cursor. */
    receive: (cursor: string, ...items: Item[]) => store.dispatch(feed.received({ items, cursor, unknown: 0, at: Date.now() })),
    get orders(): OrdersState {
      return store.getState().orders;
    },
  };
}

const report = (venue: FakeVenue, id: string, execType: ExecType, status: OrderStatus, name = ''): Item =>
  ({
    type: 'executionReport',
    sequence: venue.sequence,
    index: 0,
    time: 1,
    body: {
      executionId: `${venue.sequence}-0`,
      execType,
      requestId: id,
      order: { orderId: String(venue.sequence), clientOrderId: id, account: 'alice', symbol: 'USDJPY', status, sequence: venue.sequence },
      ...(name ? { reason: { code: 406, name, text: 'A sentence.' } } : {}),
    },
  }) as unknown as Item;

const hello = { type: 'hello', sequence: 0, index: 0, time: 0, body: { epoch: 'e', headSequence: 100, start: Hello_Start.REPLAY } } as Item;
const bookBegin: Item = { type: 'bookBegin', sequence: 0, index: 0, time: 0, body: { symbol: 'USDJPY' } };

const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

let venue: FakeVenue;
let desk: ReturnType<typeof screen>;
beforeEach(() => {
  vi.useFakeTimers();
  venue = new FakeVenue();
  desk = screen(venue);
  desk.receive('e:100', hello, bookBegin);
});
afterEach(() => {
  desk.task.cancel();
  vi.useRealTimers();
});

describe('an order is pending until the stream has reported it', () => {
  test('the answer alone does not end it, the report does', async () => {
    desk.place('a');
    await settle();
    expect(desk.orders.pending['a']).toMatchObject({ taken: true, unknown: false });
    desk.receive('e:101', report(venue, 'a', ExecType.NEW, OrderStatus.NEW));
    await settle();
    expect(desk.orders.pending).toEqual({});
    expect(Object.keys(desk.orders.working)).toEqual(['101']);
    expect(venue.calls).toEqual(['place']);
  });

  test('a report that is faster than the answer ends it', async () => {
    desk.place('a');
    desk.receive('e:101', report(venue, 'a', ExecType.NEW, OrderStatus.NEW));
    expect(desk.orders.pending).toEqual({});
    await settle(60_000);
    expect(desk.orders.pending).toEqual({});
    expect(desk.orders.refusals).toEqual([]);
  });

  test('an order that ended before a snapshot began is looked up', async () => {
    venue.ends = true;
    desk.place('a');
    await settle();
    expect(desk.orders.pending['a']?.taken).toBe(true);
    // The stream was lost, and the next one began after the order had ended.
    desk.receive('e:140', { type: 'snapshotBegin', sequence: 140, index: 0, time: 0, body: {} }, { type: 'snapshotEnd', sequence: 140, index: 1, time: 0, body: {} });
    await settle();
    expect(desk.orders.pending).toEqual({});
    expect(desk.orders.done.map((one) => one.clientOrderId)).toEqual(['a']);
    expect(desk.orders.refusals).toEqual([]);
  });

  test('a working order in the snapshot is not reported twice', async () => {
    desk.place('a');
    await settle();
    desk.receive(
      'e:140',
      { type: 'snapshotBegin', sequence: 140, index: 0, time: 0, body: {} },
      { type: 'order', sequence: 140, index: 1, time: 0, body: { orderId: '101', clientOrderId: 'a', status: OrderStatus.NEW, sequence: 101 } } as Item,
      { type: 'snapshotEnd', sequence: 140, index: 2, time: 0, body: {} },
    );
    await settle();
    expect(desk.orders.pending).toEqual({});
    expect(desk.orders.done).toEqual([]);
    expect(Object.keys(desk.orders.working)).toEqual(['101']);
  });
});

test('while the screen is not current no request is sent, not even a cancel, and the screen says so', async () => {
  desk.store.dispatch(feed.lost({ retryAt: 0, attempts: 1, problem: undefined }));
  desk.place('a');
  desk.change({ kind: 'replace', orderId: '7', account: '', symbol: 'USDJPY', price: '9', quantity: '5' }, 'r');
  desk.change({ kind: 'cancel', orderId: '7', account: '', symbol: 'USDJPY' }, 'c');
  desk.store.dispatch(orders.cancelAll({ account: '' }));
  await settle(60_000);
  expect(venue.calls).toEqual([]);
  expect(desk.orders.pending).toEqual({});
  expect(desk.orders.refusals.map(({ change, problem }) => [change?.kind, problem.reason])).toEqual(['cancelAll', 'cancel', 'replace', 'place'].map((kind) => [kind, 'NOT_LIVE']));
});

test('after a resume an order with a price waits for the book, and the screen says so; a cancel does not wait', async () => {
  desk.store.dispatch(feed.connecting());
  desk.receive('e:100', hello);
  expect(desk.store.getState().feed.phase).toBe('live');
  desk.place('a');
  desk.change({ kind: 'replace', orderId: '7', account: '', symbol: 'USDJPY', price: '9', quantity: '5' }, 'r');
  await settle(60_000);
  expect(venue.calls).toEqual([]);
  expect(desk.orders.refusals.map(({ change, problem }) => [change?.kind, problem.reason])).toEqual(['replace', 'place'].map((kind) => [kind, 'BOOK_AWAITED']));
  desk.change({ kind: 'cancel', orderId: '7', account: '', symbol: 'USDJPY' }, 'c');
  await settle();
  desk.receive('e:100', bookBegin);
  desk.place('b');
  await settle();
  expect(venue.calls).toEqual(['cancel', 'place']);
});

describe('a refusal is shown once, with its reason', () => {
  test('the answer first, then the report', async () => {
    venue.refuses = 'OUTSIDE_BAND';
    desk.place('a');
    await settle();
    desk.receive('e:101', report(venue, 'a', ExecType.REJECTED, OrderStatus.REJECTED, 'OUTSIDE_BAND'));
    expect(desk.orders.refusals).toHaveLength(1);
    expect(desk.orders.refusals[0]).toMatchObject({ id: 'a', change: { kind: 'place' }, problem: { reason: 'OUTSIDE_BAND', text: 'A sentence.' } });
    expect(desk.orders.pending).toEqual({});
  });

  test('the report first, then the answer', async () => {
    venue.refuses = 'OUTSIDE_BAND';
    desk.place('a');
    desk.receive('e:101', report(venue, 'a', ExecType.REJECTED, OrderStatus.REJECTED, 'OUTSIDE_BAND'));
    await settle();
    expect(desk.orders.refusals).toHaveLength(1);
  });

  test('the reason for the end of an order is not a refusal', async () => {
    desk.change({ kind: 'cancel', orderId: '7', account: '', symbol: 'USDJPY' }, 'c');
    venue.ends = true;
    desk.place('a');
    await settle();
    expect(desk.orders.refusals).toEqual([]);
  });

  test('a refused replace does not change the order and shows the reason', async () => {
    venue.refuses = 'OUTSIDE_BAND';
    desk.change({ kind: 'replace', orderId: '7', account: '', symbol: 'USDJPY', price: '9', quantity: '5' }, 'r');
    await settle();
    expect(desk.orders.refusals[0]).toMatchObject({ id: 'r', problem: { reason: 'STALE_VIEW' } });
  });
});

describe('without an answer', () => {
  test('a lost request is sent again and entered once', async () => {
    venue.fates = ['requestLost', 'requestLost'];
    desk.place('a');
    await settle();
    expect(desk.orders.pending['a']?.unknown).toBe(true);
    await settle(3_000);
    expect(venue.calls).toEqual(['place', 'place', 'place']);
    expect(venue.entered).toEqual(['a']);
    expect(desk.orders.pending['a']).toMatchObject({ unknown: false, taken: true });
    desk.receive(venue.cursor, report(venue, 'a', ExecType.NEW, OrderStatus.NEW));
    expect(desk.orders.pending).toEqual({});
  });

  test('after a lost answer the request is sent again, and the order is entered once', async () => {
    venue.fates = ['replyLost'];
    desk.place('a');
    await settle(3_000);
    expect(venue.calls).toEqual(['place', 'place']);
    expect(venue.entered).toEqual(['a']);
    expect(desk.orders.pending['a']?.taken).toBe(true);
  });

  test('a report replaces a lost answer, and nothing is sent again', async () => {
    venue.fates = ['replyLost'];
    desk.place('a');
    await settle();
    expect(desk.orders.pending['a']?.unknown).toBe(true);
    desk.receive('e:101', report(venue, 'a', ExecType.NEW, OrderStatus.NEW));
    await settle(60_000);
    expect(venue.calls).toEqual(['place']);
    expect(desk.orders.pending).toEqual({});
  });

  test('an old order that the venue has is found and not sent again', async () => {
    venue.ends = true;
    venue.fates = ['replyLost', ...Array.from({ length: 3 }, (): Fate => 'requestLost')];
    desk.place('a');
    await settle();
    vi.setSystemTime(Date.now() + resendMs + 1);
    await settle(30_000);
    expect(venue.calls.slice(1)).not.toContain('place');
    expect(desk.orders.pending).toEqual({});
    expect(desk.orders.done.map((one) => one.clientOrderId)).toEqual(['a']);
  });

  test('an old order that never arrived is withdrawn and cannot be entered later', async () => {
    venue.fates = ['requestLost'];
    desk.place('a');
    await settle();
    vi.setSystemTime(Date.now() + resendMs + 1);
    await settle(5_000);
    expect(venue.calls).toEqual(['place', 'get', 'place']);
    expect(venue.entered).toEqual([]);
    expect(desk.orders.refusals[0]).toMatchObject({ id: 'a', problem: { reason: 'NOT_ENTERED' } });
    // The lost request arrives late.
    expect(() => venue.place({ clientOrderId: 'a', ...order } as unknown as PlaceOrderRequest)).toThrow('REQUEST_REUSED');
    expect(venue.entered).toEqual([]);
  });

  test('the stream may report first that an order was withdrawn', async () => {
    venue.fates = ['requestLost', 'answered', 'replyLost'];
    desk.place('a');
    await settle();
    vi.setSystemTime(Date.now() + resendMs + 1);
    await settle(1_000);
    desk.receive(venue.cursor, report(venue, 'a', ExecType.REJECTED, OrderStatus.REJECTED, 'STALE_VIEW'));
    await settle(30_000);
    expect(desk.orders.refusals.map((one) => one.problem.reason)).toEqual(['NOT_ENTERED']);
    expect(desk.orders.pending).toEqual({});
  });

  test('an order that arrives between the two queries is found', async () => {
    venue.fates = ['requestLost'];
    desk.place('a');
    await settle();
    vi.setSystemTime(Date.now() + resendMs + 1);
    const place = venue.place.bind(venue);
    const late = vi.spyOn(venue, 'place').mockImplementationOnce((request) => {
      const { seenBookVersion: _, ...original } = request;
      place(original as PlaceOrderRequest);
      return place(request);
    });
    await settle(5_000);
    expect(late).toHaveBeenCalledOnce();
    expect(venue.entered).toEqual(['a']);
    expect(desk.orders.refusals).toEqual([]);
    expect(desk.orders.pending).toEqual({});
  });

  test('an old replace that never arrived is not carried out', async () => {
    venue.fates = ['requestLost'];
    desk.change({ kind: 'replace', orderId: '7', account: '', symbol: 'USDJPY', price: '9', quantity: '5' }, 'r');
    await settle();
    vi.setSystemTime(Date.now() + resendMs + 1);
    await settle(5_000);
    expect(venue.calls).toEqual(['replace', 'get', 'replace']);
    expect(desk.orders.refusals[0]?.problem.reason).toBe('NOT_ENTERED');
  });

  test('a cancel is sent until it is answered, however late', async () => {
    venue.fates = Array.from({ length: 6 }, (): Fate => 'requestLost');
    desk.change({ kind: 'cancel', orderId: '7', account: '', symbol: 'USDJPY' }, 'c');
    await settle(120_000);
    expect(new Set(venue.calls)).toEqual(new Set(['cancel']));
    expect(desk.orders.pending['c']?.taken).toBe(true);
    desk.receive(venue.cursor);
    await settle();
    expect(desk.orders.pending).toEqual({});
  });

  test('after a restart of the venue with a new journal no request stays pending', async () => {
    desk.place('a');
    await settle();
    venue.epoch = 'f';
    venue.book.clear();
    desk.receive('f:3');
    await settle();
    expect(desk.orders.pending).toEqual({});
  });
});

test('a mass cancel is a request like the others', async () => {
  venue.fates = ['replyLost'];
  desk.store.dispatch(orders.cancelAll({ account: '', symbol: 'USDJPY' }));
  await settle();
  expect(desk.orders.pending['made-0']).toMatchObject({ change: { kind: 'cancelAll', symbol: 'USDJPY' }, unknown: true });
  await settle(5_000);
  desk.receive(venue.cursor);
  await settle();
  expect(desk.orders.pending).toEqual({});
  expect(venue.calls).toEqual(['cancelAll', 'cancelAll']);
});

test('an expired token is refreshed, and the order is sent again', async () => {
  venue.fates = ['expired'];
  desk.place('a');
  await settle();
  expect(desk.orders.pending['a']?.unknown).toBe(false);
  desk.store.dispatch(session.refreshed(0));
  await settle();
  expect(venue.entered).toEqual(['a']);
  expect(desk.orders.refusals).toEqual([]);
});
