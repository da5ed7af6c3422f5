// What must hold for every screen of every end-to-end test: no breach of the page's policy,
// and no request to anywhere but its own origin.
import { afterEach, expect } from 'vitest';
import { breaches } from './shells';

afterEach(() => {
  expect(breaches.splice(0)).toEqual([]);
});
