// The line above a list: its age, whether it is loading, and a button to load it again. Lists
// are never reloaded by a timer.
import type { ReactNode } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { useReasonText } from '../orders/reasons';
import type { List, Query } from './queries';
import { admin } from './slice';
import { useMoments } from './words';

export interface ListHeadProps {
  list: List;
  /** The query of the Refresh button; the last query if absent. */
  query?: Query | undefined;
  children?: ReactNode;
}

export function ListHead({ list, query, children }: ListHeadProps) {
  const t = useT();
  const { clockWords } = useMoments();
  const textOf = useReasonText();
  const dispatch = useAppDispatch();
  const { asOf, loading, problem, outdated, value, query: last } = useAppSelector((s) => s.admin.lists[list]);
  const next = query ?? (last?.list === 'audit' ? { ...last, pageToken: '' } : last);
  return (
    <div className="list-head">
      {children}
      <span className="spacer" />
      <span role="status" className="as-of">
        {loading ? t('admin.loading') : value === undefined ? '' : t('admin.asOf', { time: clockWords(asOf) })}
        {outdated && !loading && <span className="outdated"> {t('admin.outdated')}</span>}
      </span>
      <button type="button" disabled={loading || !next} onClick={() => next && dispatch(admin.wanted(next))}>
        {t('admin.refresh')}
      </button>
      {problem && (
        <p role="alert" className="problem">
          {problem.reason === '' ? t('admin.unreachable') : textOf(problem)}
        </p>
      )}
    </div>
  );
}
