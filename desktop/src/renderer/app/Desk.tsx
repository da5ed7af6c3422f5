// The desk of somebody who is signed in: the bar above, panels in a dock below.
import { DockviewReact, type DockviewReadyEvent, type IDockviewPanelProps } from 'dockview-react';
import 'dockview-react/dist/styles/dockview.css';
import '../styles/desk.css';
import { useCallback } from 'react';
import { FeedStatus } from '../features/feed/FeedStatus';
import { selectFreshness } from '../features/feed/selectors';
import { session } from '../features/session/slice';
import { useT } from '../i18n';
import { useAppDispatch, useAppSelector } from './hooks';
import { panels, standardLayout } from './panels';

const components = Object.fromEntries(
  Object.entries(panels).map(([id, { view: View }]) => [
    id,
    function Panel(_props: IDockviewPanelProps) {
      return (
        <section className="panel" data-panel={id}>
          <View />
        </section>
      );
    },
  ]),
);

export default function Desk() {
  const t = useT();
  const dispatch = useAppDispatch();
  const user = useAppSelector((s) => s.session.user);
  const freshness = useAppSelector(selectFreshness);
  const ready = useCallback(({ api }: DockviewReadyEvent) => standardLayout(api, t), [t]);
  return (
    <div className="desk" data-freshness={freshness}>
      <header className="bar">
        <h1>{t('app.title')}</h1>
        <FeedStatus />
        <span className="spacer" />
        <span className="user">{user?.displayName}</span>
        <button type="button" onClick={() => dispatch(session.signOut())}>
          {t('session.signOut')}
        </button>
      </header>
      <main className="dock">
        <DockviewReact components={components} onReady={ready} className="dockview-theme-todoku" />
      </main>
    </div>
  );
}
