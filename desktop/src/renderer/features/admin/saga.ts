// Loads what the admin page shows, and sends its changes. Nothing is loaded unless a user who
// may see it has the page open, and nothing is loaded by a timer.
import type { SagaIterator, Task } from 'redux-saga';
import { call, cancel, delay, fork, put, race, select, take, takeEvery } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { outcomeUnknown, type Problem, problemOf } from '../../venue/problem';
import type { Venue } from '../../venue/venue';
import { backoff } from '../feed/backoff';
import { hasReached } from '../feed/cursor';
import { selectTradable } from '../feed/selectors';
import { feed } from '../feed/slice';
import { session } from '../session/slice';
import { isPushed, type Reply, submit } from './changes';
import { type Answers, runQuery, type List, type Query } from './queries';
import { mayDo } from './rights';
import { selectStaff } from './selectors';
import { admin, type AdminState, type Tab } from './slice';

export interface AdminContext {
  venue: Venue;
  now: () => number;
  random: () => number;
}

export function* adminSaga(context: AdminContext): SagaIterator<void> {
  const tasks: Partial<Record<List, Task>> = {};
  yield takeEvery(admin.requested.type, send, context);
  yield takeEvery([admin.opened.type, admin.choseTab.type], showTab, false);
  yield takeEvery((action: { type: string }) => feed.received.match(action) && action.payload.items.some((item) => item.type === 'snapshotEnd'), showTab, true);
  for (;;) {
    const { payload }: ReturnType<typeof admin.wanted> = yield take(admin.wanted.type);
    const before = tasks[payload.list];
    // Only the answer to the latest query is shown.
    if (before) yield cancel(before);
    tasks[payload.list] = yield fork(load, context, payload);
  }
}

/** The lists of each part of the page, with their default queries. */
const shownBy: Record<Tab, Query[]> = {
  instruments: [],
  users: [{ list: 'users' }],
  limits: [{ list: 'users' }],
  connections: [{ list: 'connections', user: '' }],
  announce: [{ list: 'users' }],
  trades: [],
  audit: [{ list: 'audit', user: '', from: 0, to: 0, pageToken: '' }],
  venue: [{ list: 'users' }, { list: 'connections', user: '' }],
};

/** Loads the lists that the shown part does not have; with again also those that may be outdated. */
function* showTab(again: boolean): SagaIterator<void> {
  const state: RootState = yield select();
  if (!state.admin.open || !selectStaff(state)) return;
  for (const query of shownBy[state.admin.tab]) {
    const { value, loading, query: last } = state.admin.lists[query.list];
    if (!mayDo(state.session.user?.roles, query.list) || loading || (value !== undefined && !again)) continue;
    yield put(admin.wanted(last ? { ...last, ...(last.list === 'audit' ? { pageToken: '' } : {}) } : query));
  }
}

function* load({ venue, now }: AdminContext, query: Query): SagaIterator<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      const value: Answers[List] = yield call(runQuery, venue, query);
      yield put(admin.loaded({ query, value, at: now() }));
      return;
    } catch (error) {
      const problem = problemOf(error);
      if (problem.reason === 'TOKEN_EXPIRED' && attempt === 0) {
        yield* refreshed();
        continue;
      }
      yield put(admin.loadFailed({ query, problem }));
      return;
    }
  }
}

const refreshMs = 5_000;

function* refreshed(): SagaIterator<void> {
  yield put(session.refreshWanted());
  yield race({ refreshed: take(session.refreshed.type), waited: delay(refreshMs) });
}

/** How long a change is sent again automatically, ms; later only when the user asks. */
export const resendMs = 10_000;
/** How long to wait for the stream to deliver a confirmed change, ms. */
const deliverMs = 10_000;

/** Sends one change until the venue has answered, or the user gives up. */
function* send(context: AdminContext, { payload }: ReturnType<typeof admin.requested>): SagaIterator<void> {
  const { id, change, password } = payload;
  let since = payload.sentAt;
  for (let attempt = 0; ; attempt++) {
    try {
      const reply: Reply = yield call(submit, context.venue, id, change, password?.() ?? '');
      yield put(admin.taken(id));
      const state: RootState = yield select();
      if (isPushed(change, state.session.user) && selectTradable(state)) yield race({ delivered: call(untilDelivered, reply.cursor), waited: delay(deliverMs) });
      yield put(admin.done({ id, count: reply.count }));
      yield* after(change.kind === 'disconnect' ? 'connections' : change.kind === 'setLimits' ? 'limits' : undefined);
      return;
    } catch (error) {
      const problem: Problem = problemOf(error);
      if (problem.reason === 'TOKEN_EXPIRED') {
        yield* refreshed();
        continue;
      }
      if (!outcomeUnknown(problem)) {
        yield put(admin.refused({ id, problem: { reason: problem.reason, text: problem.text, field: problem.field } }));
        return;
      }
      // A disconnect has no request id: sent again it would end the client's next stream.
      if (change.kind !== 'disconnect' && context.now() - since < resendMs) {
        yield delay(backoff(attempt + 1, context.random()));
        continue;
      }
      yield put(admin.outcomeUnknown(id));
      const again: boolean = yield call(untilDecided, id);
      if (!again) return;
      since = context.now();
      attempt = 0;
    }
  }
}

/** Loads the lists that the stream does not keep current. */
function* after(list: 'connections' | 'limits' | undefined): SagaIterator<void> {
  if (!list) return;
  const { lists }: AdminState = yield select((s: RootState) => s.admin);
  const { query } = lists[list];
  if (query) yield put(admin.wanted(query));
}

function* untilDelivered(cursor: string): SagaIterator<void> {
  for (;;) {
    const held: string = yield select((s: RootState) => s.feed.cursor);
    if (hasReached(held, cursor)) return;
    yield take(feed.received.type);
  }
}

function* untilDecided(id: string): SagaIterator<boolean> {
  const { type }: { type: string } = yield take(
    (action: { type: string; payload?: unknown }) => (admin.askedAgain.match(action) || admin.dismissed.match(action)) && action.payload === id,
  );
  return type === admin.askedAgain.type;
}
