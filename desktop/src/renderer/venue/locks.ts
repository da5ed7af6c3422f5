// Locks that all pages of one origin share, so that tabs know of each other. Browsers offer them
// only on secure pages (HTTPS, loopback), and not where site data is blocked.

export type Release = () => void;

/** Takes a lock if it is free; undefined if another page has it. Rejects where there are no locks. */
export async function tryLock(name: string): Promise<Release | undefined> {
  return new Promise((resolve, reject) => {
    locks()
      .request(name, { ifAvailable: true }, (lock) => {
        if (lock) return new Promise<void>((release) => resolve(release));
        resolve(undefined);
        return undefined;
      })
      .catch(reject);
  });
}

/** Waits for the first lock that becomes free, and withdraws the requests for the others. */
export async function firstLock(names: string[], signal: AbortSignal): Promise<Release> {
  return new Promise((resolve, reject) => {
    let won = false;
    const others = new AbortController();
    const stop = (): void => {
      others.abort();
      reject(new DOMException('cancelled', 'AbortError'));
    };
    signal.addEventListener('abort', stop, { once: true });
    for (const name of names)
      locks()
        .request(name, { signal: others.signal }, () => {
          if (won) return undefined;
          won = true;
          signal.removeEventListener('abort', stop);
          return new Promise<void>((release) => {
            resolve(release);
            others.abort();
          });
        })
        .catch(() => undefined); // Aborted: another lock was granted, or the caller gave up.
  });
}

/** Throws where there are none. */
function locks(): LockManager {
  if (!('locks' in navigator)) throw new Error('this page has no locks: it is not a secure context');
  return navigator.locks;
}
