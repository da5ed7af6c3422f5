// Layouts as they are kept in this browser, for each user. What was kept may be damaged, of
// another version, or name panels that are no longer there: what can be saved is, and
// nothing of it breaks the screen.
import type { SerializedDockview } from 'dockview-react';

/** Of the standard layout, which has no name of its own. */
export const unnamed = '';

export interface Layouts {
  version: 1;
  /** Name of the one that is shown. */
  current: string;
  /** By name; one that was never moved is not among them. */
  docks: Record<string, SerializedDockview>;
  /** The panel that a small screen shows. */
  tab: string;
}

export const noLayouts: Layouts = { version: 1, current: unnamed, docks: {}, tab: '' };

/** How long a name can be, and how many layouts there are. */
export const longestName = 40;
export const mostLayouts = 20;

export const layoutsKey = (user: string): string => `todoku.layouts.${user}`;

/** Reads what was kept; known says which panels there are. */
export function readLayouts(text: string | null, known: (panel: string) => boolean): Layouts {
  let kept: unknown;
  try {
    kept = JSON.parse(text ?? 'null');
  } catch {
    return noLayouts;
  }
  if (!isRecord(kept) || kept['version'] !== 1 || !isRecord(kept['docks'])) return noLayouts;
  const docks: Layouts['docks'] = {};
  for (const [name, dock] of Object.entries(kept['docks'])) {
    const sound = soundDock(dock, known);
    if (sound) docks[name] = sound;
  }
  const current = kept['current'];
  const tab = kept['tab'];
  return {
    version: 1,
    current: typeof current === 'string' && current in docks ? current : unnamed,
    docks,
    tab: typeof tab === 'string' && known(tab) ? tab : '',
  };
}

/** What another window of the user's kept, with what this one shows as it is shown here. */
export function keptBeside(own: Layouts, others: Layouts): Layouts {
  const shown = own.docks[own.current];
  return { ...own, docks: shown ? { ...others.docks, [own.current]: shown } : others.docks };
}

/** The layout without what is no longer there; undefined when it is none or nothing is left. */
export function soundDock(value: unknown, known: (panel: string) => boolean): SerializedDockview | undefined {
  if (!isRecord(value) || !isRecord(value['grid'])) return undefined;
  const { grid } = value;
  const { root, width, height, orientation } = grid as Record<string, unknown>;
  if (!isSize(width) || !isSize(height) || (orientation !== 'HORIZONTAL' && orientation !== 'VERTICAL')) return undefined;
  const seen = new Set<string>();
  const groups = new Set<string>();
  const take = (node: unknown): Node | undefined => {
    if (!isRecord(node) || !isSize(node['size'])) return undefined;
    const { size, data } = node as { size: number; data: unknown };
    if (node['type'] === 'branch' && Array.isArray(data)) {
      const children = data.map(take).filter((child) => child !== undefined);
      return children.length > 0 ? { type: 'branch', size, data: children } : undefined;
    }
    if (node['type'] !== 'leaf' || !isRecord(data) || typeof data['id'] !== 'string' || groups.has(data['id']) || !Array.isArray(data['views'])) return undefined;
    const views: string[] = [];
    for (const view of data['views'] as unknown[]) {
      if (typeof view !== 'string' || !known(view) || seen.has(view)) continue;
      seen.add(view);
      views.push(view);
    }
    if (views.length === 0) return undefined;
    groups.add(data['id']);
    const active = data['activeView'];
    return { type: 'leaf', size, data: { id: data['id'], views, activeView: typeof active === 'string' && views.includes(active) ? active : views[0]! } };
  };
  const whole = take(root);
  if (whole?.type !== 'branch') return undefined;
  const { activeGroup } = value;
  return {
    grid: { root: whole, width, height, orientation: orientation as SerializedDockview['grid']['orientation'] },
    panels: Object.fromEntries([...seen].map((id) => [id, { id, contentComponent: id }])),
    ...(typeof activeGroup === 'string' && groups.has(activeGroup) ? { activeGroup } : {}),
  };
}

type Node = SerializedDockview['grid']['root'];

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isSize(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

/** A name as it is kept; undefined when it cannot be one. */
export function layoutName(text: string): string | undefined {
  const name = text.normalize('NFC').trim();
  return name === '' || name.length > longestName ? undefined : name;
}
