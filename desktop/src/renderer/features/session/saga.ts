// The session: sign in or resume, keep it fresh, sign out.
import type { SagaIterator, Task } from 'redux-saga';
import { call, cancel, delay, fork, put, race, select, take } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { plain } from '../../venue/plain';
import { type Problem, problemOf, sessionOver } from '../../venue/problem';
import { deadlines, type Venue } from '../../venue/venue';
import { session } from './slice';

/** Remembers the tab's connection over a reload. It is a name, and opens nothing by itself. */
export interface ConnectionMemory {
  get(): string;
  set(connectionId: string): void;
}

export interface SessionContext {
  venue: Venue;
  memory: ConnectionMemory;
  now: () => number;
}

/**
 * Runs sessions one after the other: whoever signs in gets `life` forked until the
 * session ends, and signs in again after it.
 */
export function* sessions(context: SessionContext, life: () => SagaIterator<void>): SagaIterator<void> {
  const resumable: boolean = yield call([context.venue.shell, 'hasSession']);
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
    const { wished }: { wished?: unknown } = yield race({ wished: take(session.signOut.type), ended: take(session.ended.type) });
    yield cancel(living);
    yield cancel(refreshing);
    context.memory.set('');
    if (wished) yield call(signOut, context);
  }
}

type SignIn = ReturnType<typeof session.signIn>;

/**
 * Takes up the session of an earlier run, on the same connection where it is still there.
 * Returns the form if it was filled in while the venue was not reachable.
 */
function* resume(context: SessionContext): SagaIterator<{ resumed: boolean; form?: SignIn }> {
  const { venue, memory } = context;
  for (let wait = 500; ; wait = Math.min(wait * 2, 10_000)) {
    try {
      const accessExpires: number = yield call(refreshOnce, context);
      let connectionId = memory.get();
      if (connectionId === '') {
        const opened: { connectionId: string } = yield call(venue.session.openConnection, {}, deadlines.write);
        connectionId = opened.connectionId;
        memory.set(connectionId);
      }
      yield put(session.signedIn({ connectionId, accessExpires }));
      return { resumed: true };
    } catch (error) {
      const problem = problemOf(error);
      if (problem.reason !== '') {
        // A session that is simply over is no news at the start.
        yield put(session.signInFailed(sessionOver(problem) ? undefined : problem));
        return { resumed: false };
      }
      // The venue is not there; the session may well be.
      yield put(session.signInFailed(problem));
      const { form }: { form?: SignIn } = yield race({ waited: delay(wait), form: take(session.signIn.type) });
      if (form) return { resumed: false, form };
    }
  }
}

function* signInUntilDone(context: SessionContext, form: SignIn | undefined): SagaIterator<void> {
  const { venue, memory } = context;
  for (let first = form; ; first = undefined) {
    const { payload }: SignIn = first ?? (yield take(session.signIn.type));
    try {
      const reply: Awaited<ReturnType<Venue['session']['login']>> = yield call(
        venue.session.login,
        { user: payload.user, password: payload.password?.() ?? '', clientName: `todoku-${venue.shell.kind}` },
        deadlines.write,
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

/** Exchanges the refresh token and returns when the new access token ends. */
function* refreshOnce({ venue }: SessionContext): SagaIterator<number> {
  const reply: Awaited<ReturnType<Venue['session']['refreshSession']>> = yield call(venue.session.refreshSession, {}, deadlines.write);
  const expires = reply.tokens?.accessExpireTime;
  return expires ? plain(expires) : 0;
}

/** Refreshes when two thirds of the access token's life are over, or when somebody asks. */
function* keepFresh(context: SessionContext): SagaIterator<void> {
  for (;;) {
    const expires: number = yield select((s: RootState) => s.session.accessExpires);
    const left = Math.max(1_000, ((expires - context.now()) * 2) / 3);
    yield race({ due: delay(Math.min(left, 0x7fffffff)), wanted: take(session.refreshWanted.type) });
    for (let wait = 500; ; wait = Math.min(wait * 2, 10_000)) {
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
        yield delay(wait);
      }
    }
  }
}

function* signOut({ venue }: SessionContext): SagaIterator<void> {
  try {
    yield call(venue.session.logout, {}, deadlines.write);
  } catch {
    // Unreachable: the session ends by itself, and this page has forgotten it.
  }
  yield put(session.ended(undefined));
}
