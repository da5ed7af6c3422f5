// A tab continues its own connection after a reload or a crash, and never that of another tab.
import { afterEach, expect, test, vi } from 'vitest';
import { readText, storeText } from '../../src/renderer/ui/store';
import { type TabMemory, tabMemory } from '../../src/renderer/venue/tabMemory';

afterEach(() => vi.unstubAllGlobals());

function storage(stored = new Map<string, string>()) {
  return {
    stored,
    getItem: (key: string) => stored.get(key) ?? null,
    setItem: (key: string, value: string) => void stored.set(key, value),
    removeItem: (key: string) => void stored.delete(key),
  };
}

/** Locks as browsers have them, for one browser. */
function lockManager() {
  const held = new Map<string, Promise<unknown>>();
  return {
    async request(name: string, options: { ifAvailable?: boolean; signal?: AbortSignal }, granted: (lock: object | null) => unknown) {
      while (held.has(name)) {
        if (options.ifAvailable) return granted(null);
        await held.get(name);
      }
      options.signal?.throwIfAborted();
      const done = Promise.resolve(granted({}));
      held.set(name, done);
      await done;
      held.delete(name);
      return undefined;
    },
  };
}

/** Loads the page in a tab with this session storage; leave ends the page as a reload does. */
function load(session: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>, navigator: object): { memory: TabMemory; leave: () => void } {
  const listeners = new Map<string, () => void>();
  vi.stubGlobal('sessionStorage', session);
  vi.stubGlobal('navigator', navigator);
  vi.stubGlobal('window', { addEventListener: (type: string, listener: () => void) => listeners.set(type, listener) });
  return { memory: tabMemory(), leave: () => listeners.get('pagehide')?.() };
}

test.each([
  { browser: 'with locks', navigator: () => ({ locks: lockManager() }), crashed: 'c-1' },
  { browser: 'without locks', navigator: () => ({}), crashed: '' },
])('$browser a reload continues the connection, a copy of the tab opens its own', async ({ navigator: make, crashed }) => {
  const navigator = make();
  const tab = storage();
  const first = load(tab, navigator);
  expect(await first.memory.get()).toBe('');
  first.memory.set('c-1');
  const copy = storage(new Map(tab.stored));
  expect(await load(copy, navigator).memory.get()).toBe('');
  vi.stubGlobal('sessionStorage', tab);
  first.leave();
  expect(await load(tab, navigator).memory.get()).toBe('c-1');
  // A page that crashed has no lock any more, and has not marked the connection as free.
  const survived = storage(new Map([['todoku.connection', 'c-1']]));
  expect(await load(survived, make()).memory.get()).toBe(crashed);
});

test('what storage does not take lasts as long as the page', () => {
  const full = { getItem: () => 'old', setItem: () => { throw new DOMException('full', 'QuotaExceededError'); }, removeItem: () => undefined };
  vi.stubGlobal('localStorage', full);
  expect(readText('k')).toBe('old');
  storeText('k', 'new');
  expect(readText('k')).toBe('new');
  vi.stubGlobal('localStorage', storage());
  storeText('k', 'newer');
  expect([readText('k'), localStorage.getItem('k')]).toEqual(['newer', 'newer']);
});
