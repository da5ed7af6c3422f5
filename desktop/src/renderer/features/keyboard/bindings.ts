// The table of keys. Key handling and the help both use it, so that they agree.
import type { Key } from '../../i18n';

export type Command =
  | 'help'
  | 'buy'
  | 'sell'
  | 'price'
  | 'quantity'
  | 'ladder'
  | 'send'
  | 'leave'
  | 'cancelLast'
  | 'cancelAll'
  | 'nextInstrument'
  | 'previousInstrument'
  | 'nextPanel'
  | 'previousPanel'
  | 'up'
  | 'down'
  | 'upFar'
  | 'downFar'
  | 'placeBuy'
  | 'placeSell'
  | 'cancelHere'
  | 'pick'
  | 'drop'
  | 'keep'
  | 'centre';

/**
 * Where a key works: on the desk (while typing only in the ticket's price and quantity, which
 * take no letters), anywhere even while typing, in a field with steps, or on the ladder.
 */
export type Where = 'desk' | 'anywhere' | 'field' | 'ladder';

export interface Binding {
  command: Command;
  where: Where;
  /** KeyboardEvent.key; letters in lower case, whatever Caps Lock says. */
  key: string;
  /** Modifiers. Shift is not named if the character itself needs it. */
  with?: 'Shift' | 'Ctrl';
  text: Key;
}

export const bindings: readonly Binding[] = [
  { command: 'help', where: 'desk', key: '?', text: 'keys.help' },
  { command: 'buy', where: 'desk', key: 'b', text: 'keys.buy' },
  { command: 'sell', where: 'desk', key: 's', text: 'keys.sell' },
  { command: 'price', where: 'desk', key: 'p', text: 'keys.price' },
  { command: 'quantity', where: 'desk', key: 'q', text: 'keys.quantity' },
  { command: 'ladder', where: 'desk', key: 'l', text: 'keys.ladder' },
  { command: 'cancelLast', where: 'desk', key: 'x', text: 'keys.cancelLast' },
  { command: 'cancelAll', where: 'desk', key: 'x', with: 'Shift', text: 'keys.cancelAll' },
  { command: 'nextInstrument', where: 'desk', key: 'n', text: 'keys.nextInstrument' },
  { command: 'previousInstrument', where: 'desk', key: 'n', with: 'Shift', text: 'keys.previousInstrument' },
  { command: 'send', where: 'anywhere', key: 'Enter', with: 'Ctrl', text: 'keys.send' },
  { command: 'nextPanel', where: 'anywhere', key: 'F6', text: 'keys.nextPanel' },
  { command: 'previousPanel', where: 'anywhere', key: 'F6', with: 'Shift', text: 'keys.previousPanel' },
  { command: 'leave', where: 'anywhere', key: 'Escape', text: 'keys.leave' },
  { command: 'up', where: 'field', key: 'ArrowUp', text: 'keys.up' },
  { command: 'down', where: 'field', key: 'ArrowDown', text: 'keys.down' },
  { command: 'upFar', where: 'field', key: 'ArrowUp', with: 'Shift', text: 'keys.upFar' },
  { command: 'downFar', where: 'field', key: 'ArrowDown', with: 'Shift', text: 'keys.downFar' },
  { command: 'up', where: 'ladder', key: 'ArrowUp', text: 'keys.rowUp' },
  { command: 'down', where: 'ladder', key: 'ArrowDown', text: 'keys.rowDown' },
  { command: 'upFar', where: 'ladder', key: 'PageUp', text: 'keys.rowsUp' },
  { command: 'downFar', where: 'ladder', key: 'PageDown', text: 'keys.rowsDown' },
  { command: 'placeBuy', where: 'ladder', key: 'b', text: 'keys.placeBuy' },
  { command: 'placeSell', where: 'ladder', key: 's', text: 'keys.placeSell' },
  { command: 'cancelHere', where: 'ladder', key: 'Delete', text: 'keys.cancelHere' },
  { command: 'pick', where: 'ladder', key: 'm', text: 'keys.pick' },
  { command: 'drop', where: 'ladder', key: 'Enter', text: 'keys.drop' },
  { command: 'keep', where: 'ladder', key: 'Escape', text: 'keys.keep' },
  { command: 'centre', where: 'ladder', key: 'c', text: 'keys.centre' },
];

/** The used part of a KeyboardEvent, so that tests need no browser. */
export type Pressed = Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'> & { isComposing?: boolean };

/** The number of steps, by command. */
export const steps: Partial<Record<Command, number>> = { up: 1, down: -1, upFar: 10, downFar: -10 };

/** The command of a key in a place; undefined if it has none. */
export function commandOf(pressed: Pressed, ...where: Where[]): Command | undefined {
  // Ignore keys of input methods, the browser and the system.
  if (pressed.isComposing || pressed.altKey || pressed.metaKey) return undefined;
  const letter = /^[a-z]$/i.test(pressed.key);
  const key = letter ? pressed.key.toLowerCase() : pressed.key;
  const named = letter || key.length > 1;
  const held = pressed.ctrlKey ? 'Ctrl' : named && pressed.shiftKey ? 'Shift' : undefined;
  return bindings.find((binding) => where.includes(binding.where) && binding.key === key && binding.with === held)?.command;
}

/** The place of the focus, for the bindings. */
export function placesOf(target: EventTarget | null): Where[] {
  if (!(target instanceof HTMLElement)) return ['desk', 'anywhere'];
  const typing = target.matches('input:not([type=checkbox], [type=radio], [type=button], [type=submit]), textarea, select') || target.isContentEditable;
  const number = target.matches('[data-panel=ticket] input[name=price], [data-panel=ticket] input[name=quantity]');
  return typing && !number ? ['anywhere'] : ['desk', 'anywhere'];
}
