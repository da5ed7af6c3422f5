// Side effects of notices: notices about the stream itself, a tone, and the operating system's
// notification while the window is in the background.
import type { Action } from '@reduxjs/toolkit';
import type { SagaIterator } from 'redux-saga';
import { call, delay, fork, put, select, take, takeEvery } from 'redux-saga/effects';
import type { RootState } from '../../app/store';
import { translator } from '../../i18n';
import type { Venue } from '../../venue/venue';
import { feed } from '../feed/slice';
import { orders } from '../orders/slice';
import type { Level, Notice } from './notice';
import { notices } from './slice';
import { wordsOf } from './words';

export interface NoticesContext {
  venue: Venue;
  now: () => number;
  /** Plays a short tone. */
  chime: (level: Level) => void;
  /** Whether this window is visible and has the focus. */
  watched: () => boolean;
}

export function* noticesSaga(context: NoticesContext): SagaIterator<void> {
  yield fork(reportStream, context);
  yield takeEvery(feed.superseded.type, note, context, 'notice.superseded', 'superseded');
  yield takeEvery(feed.diverged.type, note, context, 'notice.diverged', 'diverged');
  yield fork(callAttention, context);
}

function* note({ now }: NoticesContext, text: 'notice.superseded' | 'notice.diverged', name: string): SagaIterator<void> {
  const at = now();
  yield put(notices.noted({ id: `${name}:${at}`, group: 'stream', level: 'warning', at, text, values: {} }));
}

/** Makes a notice of how many messages a resume replayed, if any, once all of them have arrived. */
function* reportStream({ now }: NoticesContext): SagaIterator<void> {
  let away = false;
  for (;;) {
    const { type }: Action = yield take([feed.connecting.type, feed.received.type]);
    if (type === feed.connecting.type) {
      away = true;
      continue;
    }
    const { phase, replayed, attaches }: RootState['feed'] = yield select((s: RootState) => s.feed);
    if (!away || phase !== 'live') continue;
    away = false;
    if (replayed) {
      const at = now();
      yield put(
        notices.noted({
          id: `resumed:${attaches}`,
          group: 'stream',
          level: 'info',
          at,
          text: replayed === 1 ? 'feed.replayed.one' : 'feed.replayed.other',
          values: { n: replayed },
        }),
      );
    }
  }
}

/** Notices within this time, ms, make one tone and one notification of the system. */
const gatherMs = 400;

function* callAttention({ venue, chime, watched }: NoticesContext): SagaIterator<void> {
  for (let announced = 0; ; ) {
    yield take([feed.received.type, orders.refused.type, notices.noted.type]);
    const now: number = yield select((s: RootState) => s.notices.shown);
    if (now <= announced) {
      announced = now;
      continue;
    }
    yield delay(gatherMs);
    const { notices: state, settings }: RootState = yield select();
    const fresh: Notice[] = state.history.filter((notice) => !notice.quiet).slice(0, Math.max(0, state.shown - announced));
    announced = state.shown;
    const [latest] = fresh;
    if (!latest) continue;
    if (settings.sound) yield call(chime, loudest(fresh));
    if (settings.systemNotices && !watched()) {
      const t = translator(settings.language);
      const { title, text, why } = wordsOf(t, settings.language, latest);
      const more = fresh.length > 1 ? t('notice.more', { n: fresh.length - 1 }) : '';
      yield call([venue.shell, 'notify'], title, [text, why, more].filter(Boolean).join(' '));
    }
  }
}

function loudest(fresh: Notice[]): Level {
  const levels = new Set(fresh.map(({ level }) => level));
  return levels.has('warning') ? 'warning' : levels.has('good') ? 'good' : 'info';
}
