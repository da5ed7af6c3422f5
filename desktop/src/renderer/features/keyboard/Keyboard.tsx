// Carries out the desk's keyboard commands; the table of bindings maps keys to commands.
import { useEffect } from 'react';
import { useStore } from 'react-redux';
import { Side } from '../../../gen/todoku/v1/types_pb';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import type { RootState } from '../../app/store';
import { selectAdminShown } from '../admin/selectors';
import { accountsConcerned } from '../cancelAll/scope';
import { selection } from '../market/selection';
import { request } from '../orders/request';
import { orders } from '../orders/slice';
import { selectDraft } from '../ticket/draft';
import { selectOwnAccount } from '../ticket/selectors';
import { ticket } from '../ticket/slice';
import { type Command, commandOf, placesOf } from './bindings';
import { KeyHelp } from './KeyHelp';
import { keyboard } from './slice';

export interface KeyboardProps {
  /** Brings a panel to the front, also if it is behind another or closed. */
  onPanel: (id: string) => void;
}

export function Keyboard({ onPanel }: KeyboardProps) {
  const dispatch = useAppDispatch();
  const { getState } = useStore<RootState>();
  const help = useAppSelector((s) => s.keyboard.help);
  useEffect(() => {
    /** Focuses a part of a panel once it is rendered. */
    const focus = (panel: string, part: string): void => {
      const there = (): HTMLElement | null => document.querySelector<HTMLElement>(`[data-panel=${panel}] ${part}`);
      const take = (element: HTMLElement | null): void => {
        element?.focus();
        if (element instanceof HTMLInputElement) element.select();
      };
      if (there()?.checkVisibility()) return take(there());
      onPanel(panel);
      requestAnimationFrame(() => requestAnimationFrame(() => take(there())));
    };
    const side = (chosen: Side): void => {
      dispatch(ticket.chose({ side: chosen }));
      focus('ticket', '[name=price]');
    };
    const instrument = (step: number): void => {
      const state = getState();
      const symbols = Object.keys(state.market.instruments);
      const at = symbols.indexOf(state.selection.symbol);
      const next = symbols[(at + step + symbols.length) % symbols.length];
      if (next) dispatch(selection.chosen(next));
    };
    const does: Partial<Record<Command, () => void>> = {
      help: () => dispatch(keyboard.helpOpened()),
      buy: () => side(Side.BUY),
      sell: () => side(Side.SELL),
      price: () => focus('ticket', '[name=price]'),
      quantity: () => focus('ticket', '[name=quantity]'),
      ladder: () => focus('ladder', '[role=grid]'),
      send: () => dispatch(ticket.send()),
      cancelLast: () => {
        const last = newest(getState());
        if (last) dispatch(request({ kind: 'cancel', orderId: last.orderId, account: last.account, symbol: last.symbol }));
      },
      cancelAll: () => {
        const state = getState();
        for (const account of accountsConcerned(Object.values(state.orders.working), selectOwnAccount(state))) dispatch(orders.cancelAll({ account }));
      },
      nextInstrument: () => instrument(1),
      previousInstrument: () => instrument(-1),
      nextPanel: () => focusPanel(1),
      previousPanel: () => focusPanel(-1),
      leave: () => leavable()?.focus(),
    };
    const keyDown = (event: KeyboardEvent): void => {
      // Ignore keys inside a dialog and keys that another handler has handled.
      if (event.defaultPrevented || document.querySelector('dialog[open], [popover]:popover-open')) return;
      const command = commandOf(event, ...placesOf(event.target));
      // The desk is hidden below the admin page.
      if (command !== 'help' && selectAdminShown(getState())) return;
      const act = command && does[command];
      // If there is nothing to leave, others may handle Escape.
      if (!act || (command === 'leave' && !leavable())) return;
      event.preventDefault();
      // Ignore repeats of a held key, which would enter many orders.
      if (!event.repeat) act();
    };
    window.addEventListener('keydown', keyDown);
    return () => window.removeEventListener('keydown', keyDown);
  }, [dispatch, getState, onPanel]);
  return help ? <KeyHelp onClose={() => dispatch(keyboard.helpClosed())} /> : null;
}

/** The account's last entered order that still works. */
function newest(state: RootState) {
  const { account } = selectDraft(state).order;
  return Object.values(state.orders.working)
    .filter((order) => order.account === account)
    .reduce<RootState['orders']['working'][string] | undefined>((last, order) => (last && BigInt(last.orderId) > BigInt(order.orderId) ? last : order), undefined);
}

const panelOf = (element: Element | null): HTMLElement | null => element?.closest<HTMLElement>('.panel[data-panel]') ?? null;

/** The panel that the focus is inside of; null when it is on the panel itself, or on none. */
function leavable(): HTMLElement | null {
  const panel = panelOf(document.activeElement);
  return panel === document.activeElement ? null : panel;
}

/** Moves the focus to the next panel that is shown, in the order of the page. */
function focusPanel(step: number): void {
  const panels = [...document.querySelectorAll<HTMLElement>('.panel[data-panel]')].filter((panel) => panel.checkVisibility());
  const now = panelOf(document.activeElement);
  const at = now ? panels.indexOf(now) : step > 0 ? -1 : 0;
  panels[(at + step + panels.length) % panels.length]?.focus();
}
