import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { bindings, commandOf, type Pressed, type Where } from './bindings';

const press = (key: string, held: Partial<Pressed> = {}): Pressed => ({ key, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...held });
const places: Where[] = ['desk', 'anywhere', 'field', 'ladder'];

test('no key means two things in one place', () => {
  const seen = new Set<string>();
  for (const { where, key, with: held } of bindings) {
    // What holds on the desk holds nowhere else that the desk's keys reach.
    const at = `${where === 'anywhere' ? 'desk' : where} ${held ?? ''} ${key}`;
    expect(seen, at).not.toContain(at);
    seen.add(at);
  }
});

test('every binding is reached by its key, and means what the table says', () => {
  for (const { command, where, key, with: held } of bindings) expect(commandOf(press(key, { shiftKey: held === 'Shift', ctrlKey: held === 'Ctrl' }), where)).toBe(command);
});

test('Caps Lock changes no meaning, and Shift does', () => {
  expect(commandOf(press('B'), 'desk')).toBe('buy');
  expect(commandOf(press('X', { shiftKey: true }), 'desk')).toBe('cancelAll');
  expect(commandOf(press('x', { shiftKey: true }), 'desk')).toBe('cancelAll');
  expect(commandOf(press('?', { shiftKey: true }), 'desk')).toBe('help');
});

test('while typing no character does anything', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), fc.boolean(), (key, shiftKey) => {
      expect(commandOf(press(key, { shiftKey }), 'anywhere')).toBeUndefined();
    }),
  );
});

test('in a price or quantity no key does anything that a number is typed with', () => {
  for (const key of ['0', '1', '9', '.', ',', '-', 'Backspace', 'Delete', 'ArrowLeft', 'ArrowRight', 'Home', 'End', 'Tab', 'Enter']) expect(commandOf(press(key), 'desk', 'anywhere', 'field'), key).toBeUndefined();
});

test('keys of an input method, the browser and the system are left alone', () => {
  for (const where of places)
    for (const { key } of bindings) {
      expect(commandOf(press(key, { isComposing: true }), where)).toBeUndefined();
      expect(commandOf(press(key, { metaKey: true }), where)).toBeUndefined();
      expect(commandOf(press(key, { altKey: true }), where)).toBeUndefined();
    }
  for (const key of ['b', 's', 'n', 'p', 'q', 'x', 'l', 'F6']) expect(commandOf(press(key, { ctrlKey: true }), 'desk', 'anywhere'), key).toBeUndefined();
});
