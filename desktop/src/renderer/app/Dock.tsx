// The panels of a signed-in user, as this user last arranged them: a dock, or one panel at a
// time on a small screen. Both have the same panels.
import { type DockviewApi, DockviewDefaultTab, DockviewReact, type DockviewReadyEvent, type IDockviewPanelHeaderProps, type IDockviewPanelProps } from 'dockview-react';
import 'dockview-react/dist/styles/dockview.css';
import { type KeyboardEvent, type RefObject, useCallback, useEffect, useRef, useState } from 'react';
import { type Layouts, validDock } from '../features/layouts/kept';
import { standardLayout } from '../features/layouts/standard';
import { useT } from '../i18n';
import { panelKinds } from './panels';

const known = (panel: string): boolean => Object.hasOwn(panelKinds, panel);

function Panel({ id }: { id: string }) {
  const View = panelKinds[id]?.view;
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- A scrollable area must be reachable by keyboard, even if it contains nothing to focus.
    <section className="panel" data-panel={id} tabIndex={0}>
      {View && <View />}
    </section>
  );
}

const components = Object.fromEntries(
  Object.keys(panelKinds).map((id) => [
    id,
    function DockPanel(_props: IDockviewPanelProps) {
      return <Panel id={id} />;
    },
  ]),
);

/** A tab without a close button, because screen readers ignore controls inside a tab. The menu of panels closes panels. */
function Tab(props: IDockviewPanelHeaderProps) {
  return <DockviewDefaultTab {...props} hideClose />;
}

/** Shows a layout, or the standard one if the dock cannot read it. */
export function showDock(api: DockviewApi, layout: Layouts['docks'][string] | undefined): void {
  const standard = (): void => api.fromJSON(standardLayout(panelKinds, api.width, api.height));
  if (!layout) {
    standard();
    return;
  }
  try {
    api.fromJSON(layout);
  } catch {
    standard();
  }
}

/** The present layout of a dock. */
export function layoutOf(api: DockviewApi): Layouts['docks'][string] | undefined {
  return validDock(api.toJSON(), known);
}

export interface DockProps {
  /** The layout when the dock opens; undefined means the standard one. */
  layout: Layouts['docks'][string] | undefined;
  api: RefObject<DockviewApi | undefined>;
  /** The user moved something. */
  onMoved: (layout: Layouts['docks'][string]) => void;
  /** Which panels are shown changed. */
  onPanels: (ids: string[]) => void;
}

/** Layouts are written this long after the last move, ms. */
const settleMs = 300;

export function Dock({ layout, api: ref, onMoved, onPanels }: DockProps) {
  const t = useT();
  const [api, setApi] = useState<DockviewApi>();
  const first = useRef(layout);
  const ready = useCallback(({ api: dock }: DockviewReadyEvent) => {
    showDock(dock, first.current);
    setApi(dock);
  }, []);
  useEffect(() => {
    ref.current = api;
    return () => {
      ref.current = undefined;
    };
  }, [api, ref]);
  useEffect(() => {
    const title = (): void => {
      for (const panel of api?.panels ?? []) {
        const kind = panelKinds[panel.id];
        if (kind) panel.api.setTitle(t(kind.title));
      }
    };
    title();
    const listening = api?.onDidAddPanel(title);
    return () => listening?.dispose();
  }, [api, t]);
  useEffect(() => {
    if (!api) return undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const write = (): void => {
      clearTimeout(timer);
      timer = undefined;
      const sound = layoutOf(api);
      if (sound) onMoved(sound);
    };
    const panels = (): void => onPanels(api.panels.map((panel) => panel.id));
    panels();
    const listening = api.onDidLayoutChange(() => {
      panels();
      clearTimeout(timer);
      timer = setTimeout(write, settleMs);
    });
    // Save what was moved last before the page is closed.
    const leave = (): void => {
      if (timer !== undefined) write();
    };
    window.addEventListener('pagehide', leave);
    return () => {
      window.removeEventListener('pagehide', leave);
      listening.dispose();
      clearTimeout(timer);
    };
  }, [api, onMoved, onPanels]);
  return <DockviewReact components={components} onReady={ready} defaultTabComponent={Tab} disableFloatingGroups className="dockview-theme-todoku" />;
}

/** One panel at a time, for small screens. */
export function PanelTabs({ tab, onTab }: { tab: string; onTab: (id: string) => void }) {
  const t = useT();
  const bar = useRef<HTMLDivElement>(null);
  const ids = Object.keys(panelKinds);
  const shown = known(tab) ? tab : (ids[0] ?? '');
  const keyDown = (event: KeyboardEvent): void => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    event.preventDefault();
    const next = ids[(ids.indexOf(shown) + step + ids.length) % ids.length]!;
    onTab(next);
    bar.current?.querySelector<HTMLElement>(`[data-tab="${next}"]`)?.focus();
  };
  useEffect(() => {
    bar.current?.querySelector(`[data-tab="${shown}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [shown]);
  return (
    <div className="panel-tabs">
      <div className="tab-panel" id="tab-panel" role="tabpanel" aria-labelledby={`tab-${shown}`}>
        <Panel id={shown} key={shown} />
      </div>
      <div className="tab-bar" role="tablist" aria-label={t('layout.panels')} ref={bar}>
        {ids.map((id) => (
          <button
            key={id}
            type="button"
            role="tab"
            id={`tab-${id}`}
            data-tab={id}
            aria-selected={id === shown}
            aria-controls="tab-panel"
            tabIndex={id === shown ? 0 : -1}
            onClick={() => onTab(id)}
            onKeyDown={keyDown}
          >
            {t(panelKinds[id]!.title)}
          </button>
        ))}
      </div>
    </div>
  );
}
