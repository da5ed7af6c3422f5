// The panels there are, and how they stand when nobody has moved them.
import type { DockviewApi } from 'dockview-react';
import type { ComponentType } from 'react';
import { Ladder } from '../features/ladder/Ladder';
import { Depth } from '../features/market/Depth';
import { Instruments } from '../features/market/Instruments';
import { WorkingOrders } from '../features/orders/WorkingOrders';
import { Ticket } from '../features/ticket/Ticket';
import type { Key, Translate } from '../i18n';

export interface PanelKind {
  title: Key;
  view: ComponentType;
}

export const panels = {
  instruments: { title: 'panel.instruments', view: Instruments },
  depth: { title: 'panel.depth', view: Depth },
  ladder: { title: 'panel.ladder', view: Ladder },
  ticket: { title: 'panel.ticket', view: Ticket },
  orders: { title: 'panel.orders', view: WorkingOrders },
} satisfies Record<string, PanelKind>;

export type PanelId = keyof typeof panels;

export function standardLayout(api: DockviewApi, t: Translate): void {
  const add = (id: PanelId, position?: { referencePanel: PanelId; direction: 'right' | 'below' | 'within' }): void => {
    api.addPanel({ id, component: id, title: t(panels[id].title), ...(position ? { position } : {}) });
  };
  add('instruments');
  add('depth', { referencePanel: 'instruments', direction: 'right' });
  add('ladder', { referencePanel: 'depth', direction: 'right' });
  add('ticket', { referencePanel: 'ladder', direction: 'right' });
  add('orders', { referencePanel: 'instruments', direction: 'below' });
}
