// Which connection this tab continues after a reload. Browsers copy a tab's storage when they
// duplicate the tab, and the copy must open a connection of its own. So the tab that uses a
// connection has a lock, and a tab that leaves the page marks the connection as free.
import { readText, storeText } from '../ui/store';
import { firstLock, type Release, tryLock } from './locks';

export interface TabMemory {
  /** The connection to continue; empty if there is none, or another tab uses it. */
  get(): Promise<string>;
  set(connectionId: string): void;
}

const connectionKey = 'todoku.connection';
/** There while no page uses the tab's connection. Without it the tab is a copy, or its page crashed. */
const leftKey = 'todoku.connection.left';
const area = 'sessionStorage';

const lockOf = (connectionId: string): string => `todoku-connection-${connectionId}`;

/** Call it once for each page, at its start. */
export function tabMemory(): TabMemory {
  let letGo: Release = () => undefined;
  /** Shows other tabs that this one uses the connection. The page before a reload may have the lock a little longer. */
  const hold = (connectionId: string): void => {
    letGo();
    const stop = new AbortController();
    letGo = () => stop.abort();
    if (connectionId === '') return;
    firstLock([lockOf(connectionId)], stop.signal).then(
      (release) => {
        if (stop.signal.aborted) release();
        else stop.signal.addEventListener('abort', release);
      },
      () => undefined, // No locks: the mark alone must do.
    );
  };
  const stored = (): string => readText(connectionKey, area) ?? '';
  const claim = async (): Promise<string> => {
    const id = stored();
    const left = readText(leftKey, area) !== null;
    storeText(leftKey, null, area);
    if (id === '') return '';
    const free = left ? () => undefined : await tryLock(lockOf(id)).catch(() => undefined);
    if (stored() !== id) {
      // Meanwhile the user signed in.
      free?.();
      return stored();
    }
    if (!free) {
      storeText(connectionKey, null, area);
      return '';
    }
    hold(id); // Before the release, so that no other tab comes in between.
    free();
    return id;
  };
  const claimed = claim();
  window.addEventListener('pagehide', () => {
    letGo();
    storeText(leftKey, '1', area);
  });
  window.addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return;
    storeText(leftKey, null, area);
    hold(stored());
  });
  return {
    get: async () => {
      await claimed;
      return stored();
    },
    set(connectionId) {
      storeText(connectionKey, connectionId, area);
      hold(connectionId);
    },
  };
}
