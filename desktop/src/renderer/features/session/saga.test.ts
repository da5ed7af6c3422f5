// The session, with a venue that the test controls.
import { Code, ConnectError, createRouterTransport, type HandlerContext } from '@connectrpc/connect';
import type { SagaIterator } from 'redux-saga';
import { call } from 'redux-saga/effects';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ErrorInfoSchema } from '../../../gen/google/rpc/error_pb';
import { SessionService } from '../../../gen/todoku/v1/session_pb';
import { createStore } from '../../app/store';
import type { Shell } from '../../venue/shell';
import { createVenue } from '../../venue/venue';
import { feed } from '../feed/slice';
import { sessions } from './saga';
import { session } from './slice';

const lifeMs = 900_000;

function refusal(reason: string, code = Code.Unauthenticated): ConnectError {
  const error = new ConnectError(reason, code);
  error.details = reason === '' ? [] : [{ desc: ErrorInfoSchema, value: { reason, domain: 'todoku' } }];
  return error;
}

interface World {
  hasSession?: boolean;
  remembered?: string;
  /** The venue's clock is ahead of the page's by this, ms. */
  ahead?: number;
}

function setUp({ hasSession = false, remembered = '', ahead = 0 }: World = {}) {
  const calls: string[] = [];
  /** What calls of a method throw, until the test removes it. */
  const failures = new Map<string, ConnectError>();
  const tokens = () => ({ accessExpireTime: { seconds: BigInt(Math.floor((Date.now() + ahead + lifeMs) / 1000)), nanos: 0 } });
  const answer = <T>(name: string, reply: () => T) => (_request: unknown, _context: HandlerContext): T => {
    calls.push(name);
    const error = failures.get(name);
    if (error) throw error;
    return reply();
  };
  const transport = createRouterTransport(({ service }) => {
    service(SessionService, {
      login: answer('login', () => ({ connectionId: 'c-login', sessionId: 's', tokens: tokens() })),
      openConnection: answer('openConnection', () => ({ connectionId: 'c-opened' })),
      refreshSession: answer('refresh', () => ({ tokens: tokens() })),
      logout: answer('logout', () => ({})),
    });
  });
  let unkept = (): void => undefined;
  const shell: Shell = {
    kind: 'web',
    transport,
    hasSession: () => Promise.resolve(hasSession),
    onNudge: () => () => undefined,
    onConnectivity: () => () => undefined,
    onUnkept(listener) {
      unkept = listener;
      return () => undefined;
    },
    notify: () => undefined,
    allowNotices: () => Promise.resolve(false),
    acquireStream: () => Promise.resolve(() => undefined),
  };
  const memory = {
    id: remembered,
    get: () => Promise.resolve(memory.id),
    set: (id: string) => {
      memory.id = id;
    },
  };
  const failed: Error[] = [];
  let living = 0;
  const { store, task } = createStore(
    function* root() {
      yield* sessions({ venue: createVenue(shell), memory, now: () => Date.now() }, function* life(): SagaIterator<void> {
        living += 1;
        try {
          yield call(() => new Promise(() => undefined));
        } finally {
          living -= 1;
        }
      });
    },
    (error) => failed.push(error),
  );
  const dispatch = store.dispatch;
  const after = async (ms: number): Promise<void> => {
    await vi.advanceTimersByTimeAsync(ms);
    expect(failed).toEqual([]);
  };
  return {
    store,
    task,
    calls,
    failures,
    memory,
    after,
    dispatch,
    living: () => living,
    unkept: () => unkept(),
    session: () => store.getState().session,
    count: (name: string) => calls.filter((one) => one === name).length,
    signIn: () => dispatch(session.signIn({ user: 'alice', password: 'secret' })),
    /** The stream begins with the time of the venue's clock. */
    hello: () =>
      dispatch(
        feed.received({
          items: [{ type: 'hello', sequence: 0, index: 0, time: 0, body: { serverTime: Date.now() + ahead, start: 1, epoch: 'e', headSequence: 1 } as never }],
          cursor: '',
          unknown: 0,
          at: Date.now(),
        } as never),
      ),
  };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a wrong password is refused with a reason, and the right one signs in', async () => {
  const world = setUp();
  world.failures.set('login', refusal('BAD_CREDENTIALS'));
  await world.after(0);
  world.signIn();
  await world.after(10);
  expect(world.session()).toMatchObject({ status: 'signedOut', problem: { reason: 'BAD_CREDENTIALS' } });
  world.failures.clear();
  world.signIn();
  await world.after(10);
  expect(world.session()).toMatchObject({ status: 'signedIn', connectionId: 'c-login', problem: undefined });
  expect(world.memory.id).toBe('c-login');
  expect(world.living()).toBe(1);
  world.task.cancel();
});

test('the password is in no action and in no state', async () => {
  const action = session.signIn({ user: 'alice', password: 'secret' });
  expect(JSON.stringify(action)).not.toContain('secret');
  expect(Object.values(action.payload).join()).not.toContain('secret');
  expect(JSON.stringify({ ...action.payload })).not.toContain('secret');
  const world = setUp();
  await world.after(0);
  world.signIn();
  expect(JSON.stringify(world.store.getState())).not.toContain('secret');
  await world.after(10);
  expect(JSON.stringify(world.store.getState())).not.toContain('secret');
  world.task.cancel();
});

test('a reload continues the session and the connection without a password', async () => {
  const world = setUp({ hasSession: true, remembered: 'c-before' });
  await world.after(10);
  expect(world.session()).toMatchObject({ status: 'signedIn', connectionId: 'c-before' });
  expect(world.calls).toEqual(['refresh']);
  world.task.cancel();
});

test('a new tab of the session has its own connection', async () => {
  const world = setUp({ hasSession: true });
  await world.after(10);
  expect(world.session()).toMatchObject({ status: 'signedIn', connectionId: 'c-opened' });
  expect(world.memory.id).toBe('c-opened');
  world.task.cancel();
});

test('a replaced connection is remembered for the next reload', async () => {
  const world = setUp({ hasSession: true, remembered: 'c-before' });
  await world.after(10);
  world.dispatch(session.connectionOpened('c-new'));
  expect(world.memory.id).toBe('c-new');
  world.task.cancel();
});

test('a page that starts while the venue is down resumes when the venue is up', async () => {
  const world = setUp({ hasSession: true });
  world.failures.set('refresh', refusal('', Code.Unavailable));
  await world.after(20_000);
  expect(world.session()).toMatchObject({ status: 'signedOut', resuming: true });
  const tried = world.count('refresh');
  expect(tried).toBeGreaterThan(3);
  expect(tried).toBeLessThan(10);
  world.failures.clear();
  await world.after(10_100);
  expect(world.session()).toMatchObject({ status: 'signedIn', resuming: false });
  world.task.cancel();
});

test('an overloaded venue does not end the session', async () => {
  const world = setUp({ hasSession: true });
  world.failures.set('refresh', refusal('BUSY', Code.ResourceExhausted));
  await world.after(100);
  expect(world.session()).toMatchObject({ status: 'signedOut', resuming: true });
  world.failures.clear();
  await world.after(1_000);
  expect(world.session().status).toBe('signedIn');
  world.task.cancel();
});

test('a user who fills in the form while the venue is down is signed in, not resumed', async () => {
  const world = setUp({ hasSession: true });
  world.failures.set('refresh', refusal('', Code.Unavailable)).set('login', refusal('', Code.Unavailable));
  await world.after(5_000);
  world.signIn();
  await world.after(10);
  expect(world.session()).toMatchObject({ status: 'signedOut', resuming: false, problem: { reason: '' } });
  const refreshed = world.count('refresh');
  world.failures.clear();
  await world.after(60_000);
  expect(world.count('refresh')).toBe(refreshed);
  world.signIn();
  await world.after(10);
  expect(world.session()).toMatchObject({ status: 'signedIn', connectionId: 'c-login' });
  world.task.cancel();
});

test('at the start an expired session is not reported, a revoked one is', async () => {
  const expired = setUp({ hasSession: true });
  expired.failures.set('refresh', refusal('SESSION_EXPIRED'));
  await expired.after(10);
  expect(expired.session()).toMatchObject({ status: 'signedOut', problem: undefined });
  expired.task.cancel();
  const revoked = setUp({ hasSession: true });
  revoked.failures.set('refresh', refusal('SESSION_REVOKED'));
  await revoked.after(10);
  expect(revoked.session()).toMatchObject({ status: 'signedOut', problem: { reason: 'SESSION_REVOKED' } });
  revoked.task.cancel();
});

test('tokens are refreshed after two thirds of their lifetime', async () => {
  const world = setUp({ hasSession: true });
  await world.after(10);
  await world.after((lifeMs * 2) / 3 - 5_000);
  expect(world.count('refresh')).toBe(1);
  await world.after(6_000);
  expect(world.count('refresh')).toBe(2);
  await world.after((lifeMs * 2) / 3 + 1_000);
  expect(world.count('refresh')).toBe(3);
  world.task.cancel();
});

// If the local clock is wrong by an hour, refreshes must be neither constant nor late.
test.each([3_600_000, -3_600_000])('a local clock that is wrong by %i ms has no effect once the stream has sent the time', async (ahead) => {
  const world = setUp({ hasSession: true, ahead });
  await world.after(10);
  world.hello();
  await world.after((lifeMs * 2) / 3 - 5_000);
  expect(world.count('refresh')).toBe(1);
  await world.after(6_000);
  expect(world.count('refresh')).toBe(2);
  world.task.cancel();
});

test('without a stream a local clock that is ahead causes a refresh now and then, not constant ones', async () => {
  const world = setUp({ hasSession: true, ahead: -3_600_000 });
  await world.after(60_000);
  expect(world.count('refresh')).toBeLessThanOrEqual(7);
  world.task.cancel();
});

test('a refresh without an answer is tried again, and the session continues', async () => {
  const world = setUp({ hasSession: true });
  await world.after(10);
  world.failures.set('refresh', refusal('', Code.Unavailable));
  world.dispatch(session.refreshWanted());
  await world.after(5_000);
  expect(world.session().status).toBe('signedIn');
  world.failures.clear();
  await world.after(10_000);
  expect(world.session().status).toBe('signedIn');
  expect(world.count('refresh')).toBeGreaterThan(3);
  world.task.cancel();
});

test('a refused refresh signs out and shows the reason', async () => {
  const world = setUp({ hasSession: true, remembered: 'c-before' });
  await world.after(10);
  world.failures.set('refresh', refusal('USER_SUSPENDED'));
  world.dispatch(session.refreshWanted());
  await world.after(10);
  expect(world.session()).toMatchObject({ status: 'signedOut', problem: { reason: 'USER_SUSPENDED' } });
  expect(world.living()).toBe(0);
  expect(world.memory.id).toBe('');
  world.task.cancel();
});

test('signing out shows at once, also while the venue is down, and is sent when the venue is up', async () => {
  const world = setUp();
  await world.after(0);
  world.signIn();
  await world.after(10);
  world.failures.set('logout', refusal('', Code.Unavailable));
  world.dispatch(session.signOut());
  await world.after(0);
  expect(world.session()).toMatchObject({ status: 'signedOut', problem: undefined });
  expect(world.living()).toBe(0);
  expect(world.memory.id).toBe('');
  await world.after(5_000);
  world.failures.clear();
  const tried = world.count('logout');
  await world.after(10_000);
  expect(world.count('logout')).toBe(tried + 1);
  await world.after(60_000);
  expect(world.count('logout')).toBe(tried + 1);
  world.task.cancel();
});

test('signing in does not wait until the sign-out before it has been sent', async () => {
  const world = setUp();
  await world.after(0);
  world.signIn();
  await world.after(10);
  world.failures.set('logout', refusal('', Code.Unavailable));
  world.dispatch(session.signOut());
  await world.after(1_000);
  world.signIn();
  await world.after(10);
  expect(world.session().status).toBe('signedIn');
  const tried = world.count('logout');
  world.failures.clear();
  await world.after(60_000);
  // The repeated sign-out must not end the new session.
  expect(world.count('logout')).toBe(tried);
  world.task.cancel();
});

test('a session that ends with the program is reported once, and the next one is reported again', async () => {
  const { after, dispatch, signIn, store, task, unkept } = setUp();
  const notices = (): string[] => store.getState().notices.history.map(({ text }) => text);
  await after(0);
  signIn();
  unkept();
  unkept();
  await after(10);
  expect(store.getState().session.status).toBe('signedIn');
  expect(notices()).toEqual(['notice.unkept']);
  dispatch(session.signOut());
  await after(10);
  expect(notices()).toEqual([]);
  unkept();
  expect(notices()).toEqual(['notice.unkept']);
  task.cancel();
});
