// Times are written as the language writes them, and UTC is always to be had.
import { expect, onTestFinished, test, vi } from 'vitest';
import { formatsOf } from './format';

const moment = Date.UTC(2026, 10, 22, 15, 4, 5, 67);

test('a time of day is in the zone of the user, with 24 hours in both languages', () => {
  expect(formatsOf('en', 'Asia/Tokyo').time(moment)).toBe('00:04:05');
  expect(formatsOf('ja', 'Asia/Tokyo').time(moment)).toBe('00:04:05');
  expect(formatsOf('en', 'UTC').precise(moment)).toBe('15:04:05.067');
});

test('a date is written in the order of the language', () => {
  expect(formatsOf('en', 'UTC').dateTime(moment)).toBe('22/11/2026, 15:04:05');
  expect(formatsOf('ja', 'UTC').dateTime(moment)).toBe('2026/11/22 15:04:05');
});

test('what was not today has its date', () => {
  vi.setSystemTime(moment);
  onTestFinished(() => void vi.useRealTimers());
  const now = Date.now();
  expect(formatsOf('en', 'UTC').recent(now)).toBe(formatsOf('en', 'UTC').time(now));
  expect(formatsOf('en', 'UTC').recent(now - 36 * 3_600_000)).toMatch(/^\d\d\/\d\d \d\d:\d\d:\d\d$/);
});

test('the venue writes UTC, whatever the zone of the user', () => {
  expect(formatsOf('ja', 'Asia/Tokyo').venue(moment)).toBe('2026-11-22 15:04:05.067 UTC');
});
