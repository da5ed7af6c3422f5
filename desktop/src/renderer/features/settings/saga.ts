// Reads and changes what the settings dialog shows: main's connection settings while the page
// lives, and the user's sessions and password while a user is signed in.
import { type EventChannel, eventChannel, type SagaIterator } from 'redux-saga';
import { call, fork, put, select, takeEvery, takeLatest, takeLeading } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import type { Connectivity, SettingsOutcome, ShellSettings } from '../../../shared/bridge';
import { plain } from '../../venue/plain';
import { problemOf } from '../../venue/problem';
import type { Shell } from '../../venue/shell';
import type { Venue } from '../../venue/venue';
import { session } from '../session/slice';
import { account } from './account';
import { upstream } from './upstream';

export function* upstreamSaga({ venue }: { venue: Venue }): SagaIterator<void> {
  const { shell } = venue;
  const states: EventChannel<Connectivity> = yield call(connectivityChannel, shell);
  yield takeEvery(states, function* report(state: Connectivity): SagaIterator<void> {
    yield put(upstream.connectivity(state));
  });
  const { settings } = shell;
  if (!settings) return;
  yield takeLeading(upstream.save.type, save, settings);
  yield fork(read, settings);
}

const connectivityChannel = (shell: Shell): EventChannel<Connectivity> => eventChannel<Connectivity>((emit) => shell.onConnectivity(emit));

type Settings = NonNullable<Shell['settings']>;

function* read(settings: Settings): SagaIterator<void> {
  try {
    const now: ShellSettings = yield call([settings, 'get']);
    yield put(upstream.read(now));
  } catch {
    // Without main the venue is unreachable, which other code reports.
  }
}

function* save(settings: Settings, { payload }: ReturnType<typeof upstream.save>): SagaIterator<void> {
  const { session: held }: RootState = yield select();
  try {
    const { refused, signedOut }: SettingsOutcome = yield call([settings, 'set'], payload);
    yield put(refused ? upstream.refused(refused) : upstream.saved(payload));
    // Main has forgotten the session, so its data is removed here too.
    if (signedOut && held.status === 'signedIn') yield put(session.ended(undefined));
  } catch {
    yield put(upstream.refused({ reason: 'MALFORMED', field: '' }));
  }
}

export function* accountSaga({ venue }: { venue: Venue }): SagaIterator<void> {
  yield takeLatest(account.opened.type, readSessions, venue);
  yield takeEvery(account.revoke.type, revoke, venue);
  yield takeLeading(account.changePassword.type, changePassword, venue);
}

function* readSessions(venue: Venue): SagaIterator<void> {
  try {
    const reply: Awaited<ReturnType<Venue['session']['listSessions']>> = yield call(venue.session.listSessions, {});
    yield put(account.sessionsRead(reply.sessions.map((one) => plain(one))));
  } catch (error) {
    yield put(account.sessionsFailed(problemOf(error)));
  }
}

function* revoke(venue: Venue, { payload }: ReturnType<typeof account.revoke>): SagaIterator<void> {
  try {
    yield call(venue.session.revokeSession, { sessionId: payload });
    yield call(readSessions, venue);
  } catch (error) {
    yield put(account.sessionsFailed(problemOf(error)));
  }
}

function* changePassword(venue: Venue, { payload }: ReturnType<typeof account.changePassword>): SagaIterator<void> {
  const { present = '', next = '' } = payload.passwords?.() ?? {};
  try {
    yield call(venue.session.changePassword, { oldPassword: present, newPassword: next });
    yield put(account.passwordChanged());
    yield call(readSessions, venue); // A changed password ends all other sessions.
  } catch (error) {
    yield put(account.passwordRefused(problemOf(error)));
  }
}
