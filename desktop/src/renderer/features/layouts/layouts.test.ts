// Stored layouts of older versions, damaged ones and those of other windows are read safely.
import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { mergeStored, type Layouts, layoutName, noLayouts, readLayouts, validDock } from './kept';
import { standardLayout } from './standard';

const kinds = {
  instruments: { place: 'list' },
  depth: { place: 'book' },
  chart: { place: 'market' },
  ticket: { place: 'entry' },
  orders: { place: 'blotter' },
  executions: { place: 'record' },
  admin: {},
} as const;
const known = (panel: string): boolean => panel in kinds;

/** Ids of the panels of each group. */
function groupsOf(node: unknown): string[][] {
  const { type, data } = node as { type: string; data: unknown };
  return type === 'leaf' ? [(data as { views: string[] }).views] : (data as unknown[]).flatMap(groupsOf);
}

test('a wide screen has more regions than a narrow one, and both have each panel once', () => {
  expect(groupsOf(standardLayout(kinds, 1280, 680).grid.root)).toEqual([['instruments'], ['depth', 'chart'], ['orders', 'executions'], ['ticket']]);
  expect(groupsOf(standardLayout(kinds, 1920, 1040).grid.root)).toEqual([['instruments'], ['depth'], ['chart'], ['orders'], ['executions'], ['ticket']]);
});

test('a stored layout is read unchanged', () => {
  const layouts: Layouts = { version: 1, current: 'morning', docks: { morning: standardLayout(kinds, 1280, 680) }, tab: 'depth' };
  expect(readLayouts(JSON.stringify(layouts), known)).toEqual(layouts);
});

test('a panel that no longer exists is left out, and so is a group without panels', () => {
  const without = (panel: string): boolean => panel !== 'ticket' && panel !== 'chart' && known(panel);
  const sound = validDock(standardLayout(kinds, 1280, 680), without);
  expect(groupsOf(sound?.grid.root)).toEqual([['instruments'], ['depth'], ['orders', 'executions']]);
  expect(Object.keys(sound?.panels ?? {})).toEqual(['instruments', 'depth', 'orders', 'executions']);
});

test('damaged, unknown and newer layouts are replaced by the standard one', () => {
  for (const text of [null, '', '{', '[]', '"x"', '{"version":2,"docks":{}}', '{"version":1}', '{"version":1,"docks":[]}']) expect(readLayouts(text, known)).toEqual(noLayouts);
  const broken = { version: 1, current: 'a', docks: { a: { grid: { root: { type: 'leaf', size: 1, data: {} }, width: 1, height: 1, orientation: 'VERTICAL' } } }, tab: 7 };
  expect(readLayouts(JSON.stringify(broken), known)).toEqual(noLayouts);
});

test('any stored text is read as a layout with each known panel at most once', () => {
  const { root } = standardLayout(kinds, 1280, 680).grid;
  const id = fc.constantFrom(...Object.keys(kinds), 'gone', '__proto__');
  const leaf = fc.record({ type: fc.constantFrom('leaf', 'twig'), size: fc.oneof(fc.nat(), fc.constant(-1), fc.constant(null)), data: fc.oneof(fc.record({ id: fc.string(), views: fc.array(id), activeView: id }), fc.anything()) });
  const branch = fc.record({ type: fc.constant('branch'), size: fc.nat(), data: fc.array(fc.oneof(leaf, fc.record({ type: fc.constant('branch'), size: fc.nat(), data: fc.array(leaf) }), fc.constant(root))) });
  fc.assert(
    fc.property(branch, (node) => {
      const sound = validDock({ grid: { root: node, width: 10, height: 10, orientation: 'VERTICAL' }, panels: {} }, (panel) => Object.hasOwn(kinds, panel));
      if (!sound) return;
      const views = groupsOf(sound.grid.root).flat();
      expect(views).toEqual([...new Set(views)]);
      expect(views.length).toBeGreaterThan(0);
      expect(views.every((view) => Object.hasOwn(kinds, view))).toBe(true);
      expect(Object.keys(sound.panels).toSorted()).toEqual(views.toSorted());
    }),
  );
});

test('a name is trimmed; an empty or too long one is refused', () => {
  expect(layoutName('  朝 ')).toBe('朝');
  expect(layoutName('   ')).toBeUndefined();
  expect(layoutName('x'.repeat(41))).toBeUndefined();
});

test('layouts stored by another window are kept, and the layout shown here does not change', () => {
  const [narrow, wide] = [standardLayout(kinds, 1280, 680), standardLayout(kinds, 1920, 1040)];
  const own: Layouts = { version: 1, current: 'morning', docks: { morning: narrow, gone: narrow }, tab: 'depth' };
  const others: Layouts = { version: 1, current: 'evening', docks: { morning: wide, evening: wide }, tab: 'chart' };
  expect(mergeStored(own, others)).toEqual({ ...own, docks: { morning: narrow, evening: wide } });
  expect(mergeStored(noLayouts, others)).toEqual({ ...noLayouts, docks: others.docks });
});
