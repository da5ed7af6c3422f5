// The notification centre: all notices since signing in.
import './notices.css';
import { useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { Popover } from '../../ui/Popover';
import { Time } from '../../ui/Time';
import { groups, type Group } from './notice';
import { levelSigns } from './signs';
import { notices, type NoticesState } from './slice';
import { wordsOf } from './words';

const selectUnread = ({ notices: { history } }: { notices: NoticesState }): number => history.reduce((n, notice) => (notice.read ? n : n + 1), 0);

/** The button in the bar, with the number of unread notices, and the centre that it opens. */
export function Centre() {
  const t = useT();
  const dispatch = useAppDispatch();
  const unread = useAppSelector(selectUnread);
  return (
    <Popover
      name={unread > 0 ? t('notice.centre.unread', { n: unread }) : t('notice.centre')}
      title={t('notice.centre')}
      icon="bell"
      badge={unread > 99 ? '99+' : unread > 0 ? String(unread) : ''}
      onOpen={() => dispatch(notices.allRead())}
    >
      <History />
    </Popover>
  );
}

function History() {
  const t = useT();
  const dispatch = useAppDispatch();
  const history = useAppSelector((s) => s.notices.history);
  const language = useAppSelector((s) => s.settings.language);
  const [group, setGroup] = useState<Group | ''>('');
  const [search, setSearch] = useState('');
  const sought = search.trim().toLowerCase();
  const found = history
    .filter((notice) => group === '' || notice.group === group)
    .map((notice) => ({ notice, words: wordsOf(t, language, notice) }))
    .filter(({ words }) => sought === '' || `${words.title} ${words.text} ${words.why}`.toLowerCase().includes(sought));
  return (
    <div className="notices">
      <div className="tools">
        <select aria-label={t('notice.filter')} value={group} onChange={(e) => setGroup(e.target.value as Group | '')}>
          <option value="">{t('notice.all')}</option>
          {groups.map((name) => (
            <option key={name} value={name}>
              {t(`notice.group.${name}`)}
            </option>
          ))}
        </select>
        <input type="search" aria-label={t('notice.search')} placeholder={t('notice.search')} value={search} onChange={(e) => setSearch(e.target.value)} />
        <button type="button" disabled={history.length === 0} onClick={() => dispatch(notices.cleared())}>
          {t('notice.clear')}
        </button>
      </div>
      {found.length === 0 ? (
        <p className="empty">{t('notice.none')}</p>
      ) : (
        <ol aria-label={t('notice.centre')}>
          {found.map(({ notice, words }) => (
            <li key={notice.id} data-level={notice.level} data-group={notice.group}>
              <span className="sign" aria-hidden="true">
                {levelSigns[notice.level]}
              </span>
              <div>
                <p>
                  <strong>{words.title}</strong> {words.text}
                </p>
                {words.why && <p className="why">{words.why}</p>}
              </div>
              <Time at={notice.at} />
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
