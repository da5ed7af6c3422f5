// Times are in the format of the language; UTC is always available.
import { expect, onTestFinished, test, vi } from 'vitest';
import { formatsOf } from './format';

const moment = Date.UTC(2026, 10, 22, 15, 4, 5, 67);

test('a time of day is in the user\'s zone, with 24 hours in both languages', () => {
  expect(formatsOf('en', 'Asia/Tokyo').time(moment)).toBe('00:04:05');
  expect(formatsOf('ja', 'Asia/Tokyo').time(moment)).toBe('00:04:05');
  expect(formatsOf('en', 'UTC').precise(moment)).toBe('15:04:05.067');
});

test('a date has the order of the language', () => {
  expect(formatsOf('en', 'UTC').dateTime(moment)).toBe('22/11/2026, 15:04:05');
  expect(formatsOf('ja', 'UTC').dateTime(moment)).toBe('2026/11/22 15:04:05');
});

test('a time of another day has its date', () => {
  vi.setSystemTime(moment);
  onTestFinished(() => void vi.useRealTimers());
  const now = Date.now();
  expect(formatsOf('en', 'UTC').recent(now)).toBe(formatsOf('en', 'UTC').time(now));
  expect(formatsOf('en', 'UTC').recent(now - 36 * 3_600_000)).toMatch(/^\d\d\/\d\d \d\d:\d\d:\d\d$/);
});

test('the venue\'s time is UTC in every zone of the user', () => {
  expect(formatsOf('ja', 'Asia/Tokyo').venue(moment)).toBe('2026-11-22 15:04:05.067 UTC');
});
