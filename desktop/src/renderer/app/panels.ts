// All panels. A panel needs only a line here to be in the dock, in the tabs of a small screen
// and in the menu of panels.
import type { ComponentType } from 'react';
import { Activity } from '../features/blotters/Activity';
import { Executions } from '../features/blotters/Executions';
import { Orders } from '../features/blotters/Orders';
import { Positions } from '../features/blotters/Positions';
import { CancelAll } from '../features/cancelAll/CancelAll';
import { Chart } from '../features/chart/Chart';
import { Ladder } from '../features/ladder/Ladder';
import type { Place } from '../features/layouts/standard';
import { Depth } from '../features/market/Depth';
import { Instruments } from '../features/market/Instruments';
import { Prints } from '../features/market/Prints';
import { Ticket } from '../features/ticket/Ticket';
import type { Key } from '../i18n';

export interface PanelKind {
  title: Key;
  view: ComponentType;
  /** Its region in the standard layout; without one it is only in the menu of panels. */
  place?: Place;
}

/** In the order of the menu and of tabs within a place. */
export const panels = {
  instruments: { title: 'panel.instruments', view: Instruments, place: 'list' },
  depth: { title: 'panel.depth', view: Depth, place: 'book' },
  ladder: { title: 'panel.ladder', view: Ladder, place: 'ladder' },
  prints: { title: 'panel.prints', view: Prints, place: 'market' },
  chart: { title: 'panel.chart', view: Chart, place: 'market' },
  ticket: { title: 'panel.ticket', view: Ticket, place: 'entry' },
  orders: { title: 'panel.orders', view: Orders, place: 'blotter' },
  positions: { title: 'panel.positions', view: Positions, place: 'blotter' },
  executions: { title: 'panel.executions', view: Executions, place: 'record' },
  activity: { title: 'panel.activity', view: Activity, place: 'record' },
  cancelAll: { title: 'panel.cancelAll', view: CancelAll, place: 'entry' },
} satisfies Record<string, PanelKind>;

export type PanelId = keyof typeof panels;

/** The same list, typed without the ids. */
export const panelKinds: Readonly<Record<string, PanelKind>> = panels;
