// A mass cancel covers every account with working orders, not only the one in the ticket.
import { expect, test } from 'vitest';
import { accountsConcerned } from './scope';

test('one request is sent for each account with a working order, or for the own account if there is none', () => {
  expect(accountsConcerned([{ account: 'a' }, { account: 'b' }, { account: 'a' }], 'c')).toEqual(['a', 'b']);
  expect(accountsConcerned([], 'c')).toEqual(['c']);
});
