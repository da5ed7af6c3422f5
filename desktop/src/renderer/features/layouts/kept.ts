// Layouts as stored in this browser for each user. They may be damaged, from another version,
// or name panels that no longer exist: the usable part is read and the rest ignored.
import type { SerializedDockview } from 'dockview-react';

/** The stored name of the standard layout. */
export const unnamed = '';

export interface Layouts {
  version: 1;
  /** The name of the layout that is shown. */
  current: string;
  /** By name; only layouts that were changed. */
  docks: Record<string, SerializedDockview>;
  /** The panel that a small screen shows. */
  tab: string;
}

export const noLayouts: Layouts = { version: 1, current: unnamed, docks: {}, tab: '' };

/** The longest name, and the most layouts. */
export const longestName = 40;
export const mostLayouts = 20;

export const layoutsKey = (user: string): string => `todoku.layouts.${user}`;

/** Reads the stored layouts; known are the ids of all panels. */
export function readLayouts(text: string | null, known: (panel: string) => boolean): Layouts {
  let stored: unknown;
  try {
    stored = JSON.parse(text ?? 'null');
  } catch {
    return noLayouts;
  }
  if (!isRecord(stored) || stored['version'] !== 1 || !isRecord(stored['docks'])) return noLayouts;
  const docks: Layouts['docks'] = {};
  for (const [name, dock] of Object.entries(stored['docks'])) {
    const sound = validDock(dock, known);
    if (sound) docks[name] = sound;
  }
  const current = stored['current'];
  const tab = stored['tab'];
  return {
    version: 1,
    current: typeof current === 'string' && current in docks ? current : unnamed,
    docks,
    tab: typeof tab === 'string' && known(tab) ? tab : '',
  };
}

/** The layouts that another window stored, with this window's present layout kept as shown. */
export function mergeStored(own: Layouts, others: Layouts): Layouts {
  const shown = own.docks[own.current];
  return { ...own, docks: shown ? { ...others.docks, [own.current]: shown } : others.docks };
}

/** The layout without unknown panels; undefined if it is invalid or empty then. */
export function validDock(value: unknown, known: (panel: string) => boolean): SerializedDockview | undefined {
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

/** The name as stored; undefined if it is invalid. */
export function layoutName(text: string): string | undefined {
  const name = text.normalize('NFC').trim();
  return name === '' || name.length > longestName ? undefined : name;
}
