// Settings are shared by all windows of a browser.
import { configureStore } from '@reduxjs/toolkit';
import { afterEach, expect, test, vi } from 'vitest';
import type { RootState } from '../../app/store';
import { keepSettings } from './keep';
import { settings, settingsKey, settingsReducer } from './slice';

afterEach(() => vi.unstubAllGlobals());

test('a change in another window takes effect here, and a change here does not undo it', () => {
  const stored = new Map<string, string>();
  const page = new EventTarget();
  const dataset: Record<string, string> = {};
  vi.stubGlobal('window', page);
  vi.stubGlobal('navigator', { language: 'en' });
  vi.stubGlobal('localStorage', { getItem: (key: string) => stored.get(key) ?? null, setItem: (key: string, value: string) => stored.set(key, value) });
  vi.stubGlobal('matchMedia', () => new EventTarget());
  vi.stubGlobal('document', { documentElement: { lang: '', dataset } });
  const store = configureStore({ reducer: { settings: settingsReducer } });
  keepSettings({ ...store, getState: () => store.getState() as RootState });

  const changed = JSON.stringify({ ...store.getState().settings, confirmOrders: true, theme: 'light' });
  page.dispatchEvent(Object.assign(new Event('storage'), { key: settingsKey, newValue: changed }));
  expect(dataset['theme']).toBe('light');
  store.dispatch(settings.changed({ palette: 'redUp' }));
  expect(JSON.parse(stored.get(settingsKey) ?? '')).toMatchObject({ confirmOrders: true, theme: 'light', palette: 'redUp' });
});
