// Storage of this browser, for what is convenient to keep and never secret.

/** Stores a text. If storage is full or not allowed, the value lasts as long as this page. */
export function storeText(key: string, text: string): void {
  try {
    localStorage.setItem(key, text);
  } catch {
    // The page itself has the value.
  }
}
