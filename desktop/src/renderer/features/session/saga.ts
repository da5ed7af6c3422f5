// The session: sign in or resume, keep it fresh, sign out.
import { type EventChannel, eventChannel, type SagaIterator, type Task } from 'redux-saga';
import { Code } from '@connectrpc/connect';
import type { Action } from '@reduxjs/toolkit';
import { call, cancel, delay, fork, put, race, select, take, takeEvery } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { plain } from '../../venue/plain';
import { type Problem, problemOf, sessionOver } from '../../venue/problem';
import type { Venue } from '../../venue/venue';
import { feed } from '../feed/slice';
import { notices } from '../notices/slice';
import { session } from './slice';

/** Keeps the tab's connection id over a reload. The id alone gives no access. */
export interface ConnectionMemory {
  /** Empty if there is none, or another tab uses it. */
  get(): Promise<string>;
  set(connectionId: string): void;
}

export interface SessionContext {
  venue: Venue;
  memory: ConnectionMemory;
  now: () => number;
}

/**
 * Runs sessions one after the other: forks `life` after a sign-in, cancels it when the session
 * ends, and waits for the next sign-in.
 */
export function* sessions(context: SessionContext, life: () => SagaIterator<void>): SagaIterator<void> {
  const { memory, venue } = context;
  yield takeEvery(session.connectionOpened.type, ({ payload }: ReturnType<typeof session.connectionOpened>) => memory.set(payload));
  const unkept: EventChannel<true> = yield call(() => eventChannel<true>((emit) => venue.shell.onUnkept(() => emit(true))));
  yield takeEvery(unkept, reportUnkept, context);
  const resumable: boolean = yield call([venue.shell, 'hasSession']);
  let form: SignIn | undefined;
  let resumed = false;
  if (resumable) ({ resumed, form } = yield call(resume, context));
  else yield put(session.signInFailed(undefined));
  for (;;) {
    if (!resumed) yield call(signInUntilDone, context, form);
    resumed = false;
    form = undefined;
    const living: Task = yield fork(life);
    const refreshing: Task = yield fork(keepFresh, context);
    const { signedOut }: { signedOut?: unknown } = yield race({ signedOut: take(session.signOut.type), ended: take(session.ended.type) });
    yield cancel(living);
    yield cancel(refreshing);
    memory.set('');
    if (signedOut) {
      yield put(session.ended(undefined));
      form = yield call(signOut, context);
    }
  }
}

/** Reports once a session that it cannot be stored; every later refresh would fail in the same way. */
function* reportUnkept({ now }: SessionContext): SagaIterator<void> {
  const at = now();
  yield put(notices.noted({ id: 'unkept', group: 'stream', level: 'warning', at, text: 'notice.unkept', values: {} }));
}

type SignIn = ReturnType<typeof session.signIn>;

/**
 * Resumes the session of an earlier run, on the same connection if that still exists.
 * Returns the form if it was filled in while the venue was not reachable.
 */
function* resume(context: SessionContext): SagaIterator<{ resumed: boolean; form?: SignIn }> {
  const { venue, memory } = context;
  for (let wait = 500; ; wait = Math.min(wait * 2, 10_000)) {
    try {
      const accessExpires: number = yield call(refreshOnce, context);
      let connectionId: string = yield call(memory.get);
      if (connectionId === '') {
        const opened: { connectionId: string } = yield call(venue.session.openConnection, {});
        connectionId = opened.connectionId;
        memory.set(connectionId);
      }
      yield put(session.signedIn({ connectionId, accessExpires }));
      return { resumed: true };
    } catch (error) {
      const problem = problemOf(error);
      if (sessionOver(problem)) {
        // An expired session needs no message at the start; one that was ended by somebody does.
        yield put(session.signInFailed(quietly.has(problem.reason) ? undefined : problem));
        return { resumed: false };
      }
      // The venue is unreachable or busy; the session may still be valid.
      yield put(session.resumeDelayed(problem));
      const { form }: { form?: SignIn } = yield race({ waited: delay(Math.max(wait, problem.retryAfterMs)), form: take(session.signIn.type) });
      if (form) return { resumed: false, form };
    }
  }
}

/** The problem of a session that expired. */
const quietly = new Set(['SESSION_EXPIRED', 'BAD_TOKEN']);

function* signInUntilDone(context: SessionContext, form: SignIn | undefined): SagaIterator<void> {
  const { venue, memory } = context;
  for (let first = form; ; first = undefined) {
    const { payload }: SignIn = first ?? (yield take(session.signIn.type));
    try {
      const reply: Awaited<ReturnType<Venue['session']['login']>> = yield call(
        venue.session.login,
        { user: payload.user, password: payload.password?.() ?? '', clientName: `todoku-${venue.shell.kind}` },
      );
      memory.set(reply.connectionId);
      const expires = reply.tokens?.accessExpireTime;
      yield put(session.signedIn({ connectionId: reply.connectionId, accessExpires: expires ? plain(expires) : 0 }));
      return;
    } catch (error) {
      yield put(session.signInFailed(problemOf(error)));
    }
  }
}

/** Exchanges the refresh token and returns when the new access token expires. */
function* refreshOnce({ venue }: SessionContext): SagaIterator<number> {
  const reply: Awaited<ReturnType<Venue['session']['refreshSession']>> = yield call(venue.session.refreshSession, {});
  const expires = reply.tokens?.accessExpireTime;
  return expires ? plain(expires) : 0;
}

/** If the local clock is ahead of the server's by more than a token's life, new tokens look expired. */
const blindMs = 10_000;

const beginning = (action: Action): boolean => feed.received.match(action) && action.payload.items.some((item) => item.type === 'hello');

/** Refreshes when two thirds of the access token's life are over, or on session.refreshWanted. */
function* keepFresh(context: SessionContext): SagaIterator<void> {
  for (;;) {
    const { session: held, feed: stream }: RootState = yield select();
    // The stream learns the server's clock each time it begins.
    const left = held.accessExpires - context.now() - stream.clockOffset;
    const wait = left > 0 ? Math.max(1_000, (left * 2) / 3) : blindMs;
    const { clock }: { clock?: Action } = yield race({
      due: delay(Math.min(wait, 0x7fffffff)),
      wanted: take(session.refreshWanted.type),
      clock: take(beginning),
    });
    if (clock) continue;
    for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
      try {
        const until: number = yield call(refreshOnce, context);
        yield put(session.refreshed(until));
        break;
      } catch (error) {
        const problem: Problem = problemOf(error);
        if (sessionOver(problem)) {
          yield put(session.ended(problem));
          return;
        }
        yield race({ waited: delay(Math.max(pause, problem.retryAfterMs)), wanted: take(session.refreshWanted.type) });
      }
    }
  }
}

/**
 * Ends the session at the venue, which may take until the venue is reachable; the page has
 * already forgotten it. Returns the form of a user who signs in meanwhile.
 */
function* signOut({ venue }: SessionContext): SagaIterator<SignIn | undefined> {
  for (let pause = 500; ; pause = Math.min(pause * 2, 10_000)) {
    const { form, done }: { form?: SignIn; done?: boolean } = yield race({ done: call(logout, venue), form: take(session.signIn.type) });
    if (form || done) return form;
    const { meanwhile }: { meanwhile?: SignIn } = yield race({ waited: delay(pause), meanwhile: take(session.signIn.type) });
    if (meanwhile) return meanwhile;
  }
}

/** Returns whether the session is over. */
async function logout(venue: Venue): Promise<boolean> {
  try {
    await venue.session.logout({});
    return true;
  } catch (error) {
    return problemOf(error).code === Code.Unauthenticated;
  }
}
