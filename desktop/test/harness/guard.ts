// Checks after every end-to-end test that no page violated its content security policy or sent
// a request to another origin.
import { afterEach, expect } from 'vitest';
import { breaches } from './shells';

afterEach(() => {
  expect(breaches.splice(0)).toEqual([]);
});
