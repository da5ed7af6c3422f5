// The panels there are. A line here is all that a panel needs to be in the dock, in the tabs
// of a small screen and in the menu of panels.
import type { ComponentType } from 'react';
import { Ladder } from '../features/ladder/Ladder';
import type { Place } from '../features/layouts/standard';
import { Depth } from '../features/market/Depth';
import { Instruments } from '../features/market/Instruments';
import { WorkingOrders } from '../features/orders/WorkingOrders';
import { Ticket } from '../features/ticket/Ticket';
import type { Key } from '../i18n';

export interface PanelKind {
  title: Key;
  view: ComponentType;
  /** Where it stands when nobody has moved it; without one it waits in the menu of panels. */
  place?: Place;
}

/** In the order of the menu and of tabs within a place. */
export const panels = {
  instruments: { title: 'panel.instruments', view: Instruments, place: 'list' },
  depth: { title: 'panel.depth', view: Depth, place: 'book' },
  ladder: { title: 'panel.ladder', view: Ladder, place: 'ladder' },
  ticket: { title: 'panel.ticket', view: Ticket, place: 'entry' },
  orders: { title: 'panel.orders', view: WorkingOrders, place: 'blotter' },
} satisfies Record<string, PanelKind>;

export type PanelId = keyof typeof panels;

/** The same, where the kind matters and not which it is. */
export const panelKinds: Readonly<Record<string, PanelKind>> = panels;
