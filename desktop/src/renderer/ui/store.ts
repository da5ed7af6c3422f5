// Storage of this browser, for what is convenient to keep and never secret. A browser may refuse
// storage (blocked site data, a full disk): then a value lasts as long as this page.

type Area = 'localStorage' | 'sessionStorage';

/** What storage did not take, by area and key; null is removed. */
const unstored = new Map<string, string | null>();

/** Reads a text; null if there is none. sessionStorage is that of the tab, localStorage that of the browser. */
export function readText(key: string, area: Area = 'localStorage'): string | null {
  const kept = unstored.get(`${area} ${key}`);
  if (kept !== undefined) return kept;
  try {
    // With blocked site data the property itself throws.
    return globalThis[area]?.getItem(key) ?? null;
  } catch {
    return null;
  }
}

/** Stores a text; null removes it. */
export function storeText(key: string, text: string | null, area: Area = 'localStorage'): void {
  try {
    if (text === null) globalThis[area].removeItem(key);
    else globalThis[area].setItem(key, text);
    unstored.delete(`${area} ${key}`);
  } catch {
    unstored.set(`${area} ${key}`, text);
  }
}
