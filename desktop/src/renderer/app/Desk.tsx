// The desk of a signed-in user: the bar above, panels in a dock below.
import type { DockviewApi } from 'dockview-react';
import '../styles/desk.css';
import { useCallback, useRef, useState } from 'react';
import { AdminButton } from '../features/admin/AdminButton';
import { AdminOver } from '../features/admin/AdminOver';
import { FeedHelp } from '../features/feed/FeedHelp';
import { CancelAllButton } from '../features/cancelAll/CancelAll';
import { FeedStatus } from '../features/feed/FeedStatus';
import { selectFreshness } from '../features/feed/selectors';
import { Keyboard } from '../features/keyboard/Keyboard';
import { keyboard } from '../features/keyboard/slice';
import { type Layouts as Kept, unnamed } from '../features/layouts/kept';
import { Layouts } from '../features/layouts/Layouts';
import { Centre } from '../features/notices/Centre';
import { Toasts } from '../features/notices/Toasts';
import { Online } from '../features/presence/Online';
import { session } from '../features/session/slice';
import { SettingsButton } from '../features/settings/SettingsButton';
import { useT } from '../i18n';
import { smallScreen, useMedia } from '../ui/useMedia';
import { Dock, layoutOf, PanelTabs, showDock } from './Dock';
import { useAppDispatch, useAppSelector } from './hooks';
import { panelKinds } from './panels';
import { useLayouts } from './useLayouts';

export default function Desk() {
  const freshness = useAppSelector(selectFreshness);
  const user = useAppSelector((s) => s.session.user?.user);
  return (
    <div className="desk" data-freshness={freshness}>
      {/* Each user has their own layouts, so none is shown before the stream has named the user. */}
      {user === undefined ? <Bar /> : <Panels key={user} user={user} />}
      <FeedHelp />
      <Toasts />
      <AdminOver />
    </div>
  );
}

function Bar({ onLayouts }: { onLayouts?: () => void }) {
  const t = useT();
  const dispatch = useAppDispatch();
  const name = useAppSelector((s) => s.session.user?.displayName);
  return (
    <header className="bar">
      <h1>{t('app.title')}</h1>
      <FeedStatus />
      <span className="spacer" />
      <CancelAllButton />
      {onLayouts && (
        <button type="button" onClick={onLayouts}>
          {t('layout.title')}
        </button>
      )}
      <Online />
      <Centre />
      <SettingsButton />
      <button type="button" className="keys" aria-label={t('keys.title')} title={t('keys.open')} onClick={() => dispatch(keyboard.helpOpened())}>
        ?
      </button>
      <AdminButton />
      <span className="user">{name}</span>
      <button type="button" onClick={() => dispatch(session.signOut())}>
        {t('session.signOut')}
      </button>
    </header>
  );
}

type DockLayout = Kept['docks'][string];

function Panels({ user }: { user: string }) {
  const small = useMedia(smallScreen);
  const [kept, change] = useLayouts(user);
  const api = useRef<DockviewApi>(undefined);
  const [open, setOpen] = useState(false);
  const [shown, setShown] = useState<string[]>([]);
  const moved = useCallback((layout: DockLayout) => change((before) => ({ ...before, docks: { ...before.docks, [before.current]: layout } })), [change]);
  const show = useCallback((ids: string[]) => setShown((before) => (before.join() === ids.join() ? before : ids)), []);
  const choose = (current: string, docks = kept.docks): void => {
    change((before) => ({ ...before, docks, current }));
    if (api.current) showDock(api.current, docks[current]);
  };
  const without = (name: string): Record<string, DockLayout> => Object.fromEntries(Object.entries(kept.docks).filter(([one]) => one !== name));
  const panel = (id: string, add: boolean): void => {
    const dock = api.current;
    const there = dock?.getPanel(id);
    if (!add) there?.api.close();
    else if (dock && !there) dock.addPanel({ id, component: id, ...beside(dock, id) });
  };
  const front = useCallback(
    (id: string): void => {
      const dock = api.current;
      if (small) change((before) => ({ ...before, tab: id }));
      else if (dock) (dock.getPanel(id) ?? dock.addPanel({ id, component: id, ...beside(dock, id) })).api.setActive();
    },
    [small, change],
  );
  return (
    <>
      <Keyboard onPanel={front} />
      <Bar {...(small ? {} : { onLayouts: () => setOpen(true) })} />
      <main className="dock">
        {small ? (
          <PanelTabs tab={kept.tab} onTab={(tab) => change((before) => ({ ...before, tab }))} />
        ) : (
          <Dock layout={kept.docks[kept.current]} api={api} onMoved={moved} onPanels={show} />
        )}
      </main>
      {open && !small && (
        <Layouts
          kept={kept}
          kinds={panelKinds}
          shown={shown}
          onPanel={panel}
          onChoose={choose}
          onSaveAs={(name) => {
            const layout = api.current && layoutOf(api.current);
            if (layout) choose(name, { ...kept.docks, [name]: layout });
          }}
          onReset={() => choose(kept.current, without(kept.current))}
          onDelete={() => choose(unnamed, without(kept.current))}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

/** Adds a panel next to a panel that it shares a region with in the standard layout, if one is shown. */
function beside(dock: DockviewApi, id: string): { position?: { referencePanel: string; direction: 'within' } } {
  const place = panelKinds[id]?.place;
  const neighbour = dock.panels.find((panel) => place !== undefined && panelKinds[panel.id]?.place === place);
  return neighbour ? { position: { referencePanel: neighbour.id, direction: 'within' } } : {};
}
