// Changes at a venue that loses answers, and lists that follow the stream.
import { create } from '@bufbuild/protobuf';
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { configureStore } from '@reduxjs/toolkit';
import createSagaMiddleware, { type Task } from 'redux-saga';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { BadRequestSchema, ErrorInfoSchema } from '../../../gen/google/rpc/error_pb';
import { AdminService } from '../../../gen/todoku/v1/admin_pb';
import { ConnectionInfoSchema } from '../../../gen/todoku/v1/connection_pb';
import { Hello_Start } from '../../../gen/todoku/v1/notification_pb';
import { Role, TradingStatus, UserSchema } from '../../../gen/todoku/v1/types_pb';
import type { Shell } from '../../venue/shell';
import { createVenue } from '../../venue/venue';
import type { Item, ItemBody, ItemType } from '../feed/items';
import { feed, feedReducer } from '../feed/slice';
import { marketReducer } from '../market/slice';
import { session, sessionReducer } from '../session/slice';
import type { Change } from './changes';
import { adminSaga, resendMs } from './saga';
import { admin, adminReducer, type AdminState } from './slice';

const refusal = (code: Code, word: string, field = ''): ConnectError =>
  new ConnectError('A sentence.', code, undefined, [
    { desc: ErrorInfoSchema, value: { reason: word, domain: 'todoku' } },
    ...(field ? [{ desc: BadRequestSchema, value: { fieldViolations: [{ field, description: 'x' }] } }] : []),
  ]);

/** Carries out each request once, and may lose its answer. */
class FakeVenue {
  calls: string[] = [];
  done = new Set<string>();
  fails: (ConnectError | undefined)[] = [];
  passwords: string[] = [];
  users = ['alice', 'bob'];

  #act(name: string, id: string): { sequence: bigint; cursor: string } {
    this.calls.push(`${name} ${id}`);
    const failure = this.fails.shift();
    if (failure && failure.code !== Code.Unavailable) throw failure;
    this.done.add(id);
    if (failure) throw failure;
    return { sequence: 50n, cursor: 'e:50' };
  }

  venue() {
    const transport = createRouterTransport(({ service }) => {
      service(AdminService, {
        setTradingStatus: ({ requestId }) => this.#act('status', requestId),
        setRiskLimits: ({ requestId }) => this.#act('limits', requestId),
        suspendUser: ({ requestId }) => this.#act('suspend', requestId),
        createUser: ({ requestId, password }) => {
          this.passwords.push(password);
          return this.#act('create', requestId);
        },
        massCancelForUser: ({ requestId }) => ({ ...this.#act('cancel', requestId), canceled: 3 }),
        disconnectConnection: ({ connectionId }) => {
          this.#act('disconnect', connectionId);
          return {};
        },
        listAllUsers: () => {
          this.calls.push('users');
          return { users: this.users.map((user) => create(UserSchema, { user, displayName: user, roles: [Role.TRADER] })) };
        },
        listConnections: ({ user }) => {
          this.calls.push(`connections ${user}`);
          return { connections: [create(ConnectionInfoSchema, { connectionId: 'c', user: 'alice', attachNumber: 18446744073709551615n })] };
        },
        listAudit: ({ pageToken }) => {
          this.calls.push(`audit ${pageToken}`);
          return { entries: [{ action: pageToken === '' ? 'FIRST' : 'SECOND' }], nextPageToken: pageToken === '' ? 'next' : '' };
        },
      });
    });
    return createVenue({ kind: 'web', transport } as Shell);
  }
}

const at = { sequence: 1, index: 0, time: 0 };
const user = (name: string, roles: Role[], more: Partial<ItemBody['userUpdate']> = {}): ItemBody['userUpdate'] => ({ user: name, displayName: name, roles, accounts: [name], suspended: false, online: false, since: 0, ...more });
const item = <K extends ItemType>(type: K, body: unknown): Item => ({ ...at, type, body }) as Item;

function screen(venue: FakeVenue, roles: Role[] = [Role.ADMIN]) {
  const saga = createSagaMiddleware();
  const actions: string[] = [];
  const store = configureStore({
    reducer: { admin: adminReducer, feed: feedReducer, session: sessionReducer, market: marketReducer },
    middleware: (defaults) =>
      defaults({ thunk: false }).concat(() => (next) => (action) => {
        actions.push(JSON.stringify(action));
        return next(action);
      }, saga),
  });
  const task: Task = saga.run(function* root() {
    yield* adminSaga({ venue: venue.venue(), now: () => Date.now(), random: () => 0.5 });
  });
  const receive = (cursor: string, ...items: Item[]) => store.dispatch(feed.received({ items, cursor, unknown: 0, at: Date.now() }));
  receive('e:10', item('hello', { epoch: 'e', headSequence: 10, start: Hello_Start.SNAPSHOT, user: user('root', roles) }), item('snapshotEnd', {}));
  return {
    task,
    store,
    actions,
    receive,
    submit: (change: Change, id: string, password = '') => store.dispatch(admin.requested(change, id, Date.now(), password)),
    get admin(): AdminState {
      return store.getState().admin;
    },
  };
}

const halt: Change = { kind: 'setStatus', symbol: 'USDJPY', status: TradingStatus.HALTED, reason: 'News' };

let venue: FakeVenue;
let desk: ReturnType<typeof screen>;
beforeEach(() => {
  vi.useFakeTimers();
  venue = new FakeVenue();
  desk = screen(venue);
});
afterEach(() => {
  desk.task.cancel();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

describe('changes', () => {
  test('a change that the stream reports is done when the stream has reported it', async () => {
    desk.submit(halt, 'h');
    expect(desk.admin.requests['h']).toMatchObject({ state: 'pending' });
    await settle();
    expect(desk.admin.requests['h']).toMatchObject({ state: 'taken' });
    desk.receive('e:50');
    await settle();
    expect(desk.admin.requests).toEqual({});
    expect(desk.admin.ended[0]).toMatchObject({ id: 'h', state: 'done' });
  });

  test('a change that the stream does not report is done when the venue answers', async () => {
    desk.submit({ kind: 'massCancel', user: 'bob', symbol: '' }, 'm');
    await settle();
    expect(desk.admin.ended[0]).toMatchObject({ id: 'm', state: 'done', count: 3 });
  });

  test('a refusal keeps its field and its reason, and nothing is sent again', async () => {
    venue.fails = [refusal(Code.InvalidArgument, 'BAD_NUMBER', 'limits.max_open_orders')];
    desk.submit(halt, 'h');
    await settle();
    expect(desk.admin.requests['h']).toMatchObject({ state: 'refused', problem: { reason: 'BAD_NUMBER', field: 'limits.max_open_orders' } });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(venue.calls).toEqual(['status h']);
  });

  test('after a lost answer the request is sent again with the same id, and the change is made once', async () => {
    venue.fails = [new ConnectError('unavailable', Code.Unavailable)];
    desk.submit(halt, 'h');
    await vi.advanceTimersByTimeAsync(2_000);
    expect(venue.calls).toEqual(['status h', 'status h']);
    expect([...venue.done]).toEqual(['h']);
    expect(desk.admin.requests['h']).toMatchObject({ state: 'taken' });
  });

  test('an old request is not sent again by itself: its outcome is unknown until the user asks again', async () => {
    venue.fails = Array.from({ length: 100 }, () => new ConnectError('unavailable', Code.Unavailable));
    desk.submit(halt, 'h');
    await vi.advanceTimersByTimeAsync(3 * resendMs);
    const sent = venue.calls.length;
    expect(desk.admin.requests['h']).toMatchObject({ state: 'unknown' });
    await vi.advanceTimersByTimeAsync(10 * resendMs);
    expect(venue.calls.length).toBe(sent);
    venue.fails = [];
    desk.store.dispatch(admin.askedAgain('h'));
    await settle();
    expect(desk.admin.requests['h']).toMatchObject({ state: 'taken' });
    expect(new Set(venue.calls)).toEqual(new Set(['status h']));
  });

  test('a change with an unknown outcome that the user closes is remembered as unknown', async () => {
    venue.fails = Array.from({ length: 100 }, () => new ConnectError('unavailable', Code.Unavailable));
    desk.submit(halt, 'h');
    await vi.advanceTimersByTimeAsync(3 * resendMs);
    desk.store.dispatch(admin.dismissed('h'));
    expect(desk.admin.requests).toEqual({});
    expect(desk.admin.ended[0]).toMatchObject({ id: 'h', state: 'unknown' });
  });

  test('a disconnection, which has no request id, is never sent twice', async () => {
    venue.fails = [new ConnectError('unavailable', Code.Unavailable)];
    desk.submit({ kind: 'disconnect', connectionId: 'c', user: 'alice', revokeSession: false }, 'd');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(venue.calls).toEqual(['disconnect c']);
    expect(desk.admin.requests['d']).toMatchObject({ state: 'unknown' });
  });

  test('a password is sent to the venue and is in no action and no state', async () => {
    desk.submit({ kind: 'createUser', user: 'dora', displayName: '', roles: [], accounts: [] }, 'u', 'hush hush');
    await settle();
    expect(venue.passwords).toEqual(['hush hush']);
    expect(desk.actions.join()).not.toContain('hush');
    expect(JSON.stringify(desk.store.getState())).not.toContain('hush');
  });
});

describe('lists', () => {
  test('a list is loaded when its tab is opened, never by a timer', async () => {
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(venue.calls).toEqual([]);
    desk.store.dispatch(admin.opened());
    desk.store.dispatch(admin.choseTab('users'));
    await settle();
    desk.store.dispatch(admin.choseTab('instruments'));
    desk.store.dispatch(admin.choseTab('users'));
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(venue.calls).toEqual(['users']);
    expect(desk.admin.lists.users.value).toHaveLength(2);
  });

  test('users without a role of the staff load no list', async () => {
    desk.task.cancel();
    desk = screen(venue, [Role.TRADER]);
    desk.store.dispatch(admin.opened());
    desk.store.dispatch(admin.choseTab('users'));
    await settle();
    expect(venue.calls).toEqual([]);
  });

  test('users are kept current by the stream', async () => {
    desk.store.dispatch(admin.opened());
    desk.store.dispatch(admin.choseTab('users'));
    await settle();
    desk.receive('e:11', item('userUpdate', user('bob', [Role.TRADER], { suspended: true })), item('userUpdate', user('azra', [Role.RISK])));
    expect(desk.admin.lists.users.value?.map((one) => [one.user, one.suspended])).toEqual([
      ['alice', false],
      ['azra', false],
      ['bob', true],
    ]);
    desk.receive('e:12', item('userPresence', { displayName: 'alice', online: true }));
    expect(desk.admin.lists.users.value?.[0]?.online).toBe(true);
    expect(desk.admin.lists.users.outdated).toBe(false);
    // Two users share a display name: the message does not say which of them it was.
    desk.receive('e:13', item('userUpdate', user('zoe', [Role.TRADER], { displayName: 'alice' })), item('userPresence', { displayName: 'alice', online: false }));
    expect(desk.admin.lists.users.outdated).toBe(true);
  });

  test('after a snapshot the list that is shown is loaded again', async () => {
    desk.store.dispatch(admin.opened());
    desk.store.dispatch(admin.choseTab('users'));
    await settle();
    desk.receive('e:99', item('snapshotBegin', {}), item('snapshotEnd', {}));
    await settle();
    expect(venue.calls).toEqual(['users', 'users']);
    expect(desk.admin.lists.users.outdated).toBe(false);
  });

  test('only the answer to the latest query is shown', async () => {
    desk.store.dispatch(admin.wanted({ list: 'connections', user: 'bob' }));
    desk.store.dispatch(admin.wanted({ list: 'connections', user: 'alice' }));
    await settle();
    expect(desk.admin.lists.connections.query).toEqual({ list: 'connections', user: 'alice' });
    // Attach numbers are larger than a JavaScript number can hold.
    expect(desk.admin.lists.connections.value?.[0]?.attachNumber).toBe('18446744073709551615');
  });

  test('pages of the audit are appended, and a new query replaces them', async () => {
    const first = { list: 'audit', user: '', from: 0, to: 0, pageToken: '' } as const;
    desk.store.dispatch(admin.wanted(first));
    await settle();
    desk.store.dispatch(admin.wanted({ ...first, pageToken: 'next' }));
    await settle();
    expect(desk.admin.lists.audit.value?.entries.map(({ action }) => action)).toEqual(['FIRST', 'SECOND']);
    desk.store.dispatch(admin.wanted({ ...first, user: 'bob' }));
    expect(desk.admin.lists.audit.value).toBeUndefined();
  });

  test('a user who loses the role of the staff loses the data of the admin page', async () => {
    desk.store.dispatch(admin.opened());
    desk.store.dispatch(admin.choseTab('users'));
    await settle();
    desk.receive('e:60', item('userUpdate', user('root', [Role.TRADER])));
    expect(desk.admin).toMatchObject({ open: false, lists: { users: { value: undefined } } });
  });

  test('signing out deletes all data of the admin page', async () => {
    desk.store.dispatch(admin.opened());
    desk.store.dispatch(admin.choseTab('users'));
    await settle();
    desk.store.dispatch(session.ended(undefined));
    expect(desk.admin).toMatchObject({ open: false, self: '', ended: [], lists: { users: { value: undefined } } });
  });
});
