// All is cancelled in every account where something works, whichever one the ticket names.
import { expect, test } from 'vitest';
import { accountsConcerned } from './scope';

test('every account with a working order is asked once, and the own one where there is none', () => {
  expect(accountsConcerned([{ account: 'a' }, { account: 'b' }, { account: 'a' }], 'c')).toEqual(['a', 'b']);
  expect(accountsConcerned([], 'c')).toEqual(['c']);
});
