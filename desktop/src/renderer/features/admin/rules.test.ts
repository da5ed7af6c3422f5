// The admin page checks each field by the venue's rules.
import { describe, expect, test } from 'vitest';
import { Role } from '../../../gen/todoku/v1/types_pb';
import { checkAnnouncement, checkLimits, checkNumber, checkUser, type LimitsDraft, namesIn, type UserDraft, wholeNumber } from './rules';

const user: UserDraft = { user: 'dora', displayName: 'Dora', roles: [Role.TRADER], accounts: 'dora, dora-2', password: 'p', again: 'p' };
const first = (draft: Partial<UserDraft>, isNew = true) => checkUser({ ...user, ...draft }, isNew, ['alice'])[0];

describe('users', () => {
  test('a valid user is accepted, also without the optional fields', () => {
    expect(checkUser(user, true, ['alice'])).toEqual([]);
    expect(checkUser({ ...user, displayName: '', roles: [], accounts: '' }, true, [])).toEqual([]);
    expect(checkUser({ ...user, user: 'alice', password: '', again: '' }, false, ['alice'])).toEqual([]);
  });

  test.each([
    [{ user: '' }, 'user', 'needed'],
    [{ user: 'Dora' }, 'user', 'name'],
    [{ user: '1dora' }, 'user', 'name'],
    [{ user: 'd'.repeat(33) }, 'user', 'name'],
    [{ user: 'alice' }, 'user', 'exists'],
    [{ displayName: 'あ'.repeat(34) }, 'display_name', 'bytes'],
    [{ displayName: 'a\u0000' }, 'display_name', 'control'],
    [{ displayName: '\ud800' }, 'display_name', 'control'],
    [{ accounts: 'dora Dora' }, 'accounts', 'name'],
    [{ accounts: 'dora,dora' }, 'accounts', 'twice'],
    [{ accounts: Array.from({ length: 101 }, (_, n) => `a${n}`).join() }, 'accounts', 'tooMany'],
    [{ password: '', again: '' }, 'password', 'needed'],
    [{ password: 'x'.repeat(1025), again: 'x'.repeat(1025) }, 'password', 'bytes'],
    [{ again: 'q' }, 'again', 'passwordsDiffer'],
  ])('%j is wrong at %s: %s', (draft, field, why) => {
    expect(first(draft)).toMatchObject({ field, why });
  });

  test('names are separated by commas of any width, spaces and line breaks', () => {
    expect(namesIn(' a, b、c　d\ne,,')).toEqual(['a', 'b', 'c', 'd', 'e']);
  });
});

describe('limits', () => {
  const none: LimitsDraft = { account: 'alice', maxOrderQuantity: '', maxOrderNotional: '', maxOpenOrders: '', priceBandBasisPoints: '', maxMessagesPerSecond: '' };

  test('no limits and the largest limits are accepted', () => {
    expect(checkLimits(none)).toEqual([]);
    // 2^127 - 1 in steps of 1e-16.
    const most = { ...none, maxOrderQuantity: '92233720368.54775807', maxOrderNotional: '17014118346046923173168.7303715884105727', maxOpenOrders: '4294967295', priceBandBasisPoints: '10000', maxMessagesPerSecond: '0' };
    expect(checkLimits(most)).toEqual([]);
  });

  test.each([
    [{ maxOrderQuantity: '-1' }, 'max_order_quantity'],
    [{ maxOrderQuantity: '0.000000001' }, 'max_order_quantity'],
    [{ maxOrderNotional: '-1' }, 'max_order_notional'],
    [{ maxOrderNotional: '0.00000000000000001' }, 'max_order_notional'],
    [{ maxOrderNotional: '17014118346046923173168.7303715884105728' }, 'max_order_notional'],
    [{ maxOpenOrders: '1.5' }, 'max_open_orders'],
    [{ maxOpenOrders: '4294967296' }, 'max_open_orders'],
    [{ priceBandBasisPoints: '10001' }, 'price_band_basis_points'],
    [{ maxMessagesPerSecond: '-1' }, 'max_messages_per_second'],
  ])('%j is wrong', (draft, field) => {
    expect(checkLimits({ ...none, ...draft }).map((check) => check.field)).toEqual([field]);
  });

  test('an empty number is zero, and an invalid one is undefined', () => {
    expect([wholeNumber(''), wholeNumber('007'), wholeNumber('x'), wholeNumber('1e3')]).toEqual([0, 7, undefined, undefined]);
  });
});

test('an announcement needs a text and users who exist', () => {
  expect(checkAnnouncement('Lunch', ['alice'], ['alice'])).toEqual([]);
  expect(checkAnnouncement('', [], undefined)[0]).toMatchObject({ field: 'text', why: 'needed' });
  expect(checkAnnouncement('あ'.repeat(334), [], undefined)[0]).toMatchObject({ field: 'text', why: 'bytes' });
  expect(checkAnnouncement('Lunch', ['bob'], ['alice'])[0]).toMatchObject({ field: 'users', why: 'unknownUser' });
  // Before the list of users has arrived, no name is reported as unknown.
  expect(checkAnnouncement('Lunch', ['bob'], undefined)).toEqual([]);
});

test('the number of a trade is accepted in one form only', () => {
  expect(checkNumber('trade_id', '18446744073709551615')).toEqual([]);
  for (const text of ['', '0', '01', '+1', '-1', '1.0', '18446744073709551616', 'x']) expect(checkNumber('trade_id', text)).toHaveLength(1);
});
