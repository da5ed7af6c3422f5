import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bindings, commandOf, type Pressed, type Where } from './bindings';

const press = (key: string, held: Partial<Pressed> = {}): Pressed => ({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...held });
const places: Where[] = ['desk', 'anywhere', 'field', 'ladder'];

test('no key has two meanings in one place', () => {
  const seen = new Set<string>();
  for (const { where, key, with: held } of bindings) {
    // A key of the desk has no other meaning in a place where keys of the desk work.
    const at = `${where === 'anywhere' ? 'desk' : where} ${held ?? ''} ${key}`;
    expect(seen, at).not.toContain(at);
    seen.add(at);
  }
});

test('every key runs the command in the table of bindings', () => {
  for (const { command, where, key, with: held } of bindings) expect(commandOf(press(key, { shiftKey: held === 'Shift', ctrlKey: held === 'Ctrl' }), where)).toBe(command);
});

test('Caps Lock does not change the meaning of a key, Shift does', () => {
  expect(commandOf(press('B'), 'desk')).toBe('buy');
  expect(commandOf(press('X', { shiftKey: true }), 'desk')).toBe('cancelAll');
  expect(commandOf(press('x', { shiftKey: true }), 'desk')).toBe('cancelAll');
  expect(commandOf(press('?', { shiftKey: true }), 'desk')).toBe('help');
});

test('characters typed in a field run no command', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), fc.boolean(), (key, shiftKey) => {
      expect(commandOf(press(key, { shiftKey }), 'anywhere')).toBeUndefined();
    }),
  );
});

test('keys with which a number is typed run no command in a price or quantity', () => {
  for (const key of ['0', '1', '9', '.', ',', '-', 'Backspace', 'Delete', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'Tab', 'Enter']) expect(commandOf(press(key), 'desk', 'anywhere', 'field'), key).toBeUndefined();
});

test('keys of an input method, the browser and the system run no command', () => {
  for (const where of places)
    for (const { key } of bindings) {
      expect(commandOf(press(key, { isComposing: true }), where)).toBeUndefined();
      expect(commandOf(press(key, { metaKey: true }), where)).toBeUndefined();
      expect(commandOf(press(key, { altKey: true }), where)).toBeUndefined();
    }
  for (const key of ['b', 's', 'n', 'p', 'q', 'x', 'l', 'F6']) expect(commandOf(press(key, { ctrlKey: true }), 'desk', 'anywhere'), key).toBeUndefined();
});
