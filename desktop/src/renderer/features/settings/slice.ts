// How the screen looks and speaks, kept in this browser. No secret is ever among it.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';

export type Language = 'en' | 'ja';
export type Theme = 'dark' | 'light';
/** Which colour a rising price has: green as in the west, red as in Japan. */
export type Palette = 'greenUp' | 'redUp';

export interface SettingsState {
  language: Language;
  theme: Theme;
  palette: Palette;
  sound: boolean;
  /** Ask before an order is sent. */
  confirmOrders: boolean;
}

export const settingsKey = 'todoku.settings';

export const defaults: SettingsState = { language: 'en', theme: 'dark', palette: 'greenUp', sound: false, confirmOrders: false };

/** Reads settings that were kept; what is not understood takes its default. */
export function readSettings(text: string | null, language: string): SettingsState {
  const japanese = language.toLowerCase().startsWith('ja');
  const base: SettingsState = japanese ? { ...defaults, language: 'ja', palette: 'redUp' } : defaults;
  let kept: Partial<Record<keyof SettingsState, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    if (typeof parsed === 'object' && parsed !== null) kept = parsed;
  } catch {
    // Damaged: the defaults do.
  }
  const oneOf = <T>(value: unknown, allowed: readonly T[], otherwise: T): T => (allowed.includes(value as T) ? (value as T) : otherwise);
  return {
    language: oneOf(kept.language, ['en', 'ja'], base.language),
    theme: oneOf(kept.theme, ['dark', 'light'], base.theme),
    palette: oneOf(kept.palette, ['greenUp', 'redUp'], base.palette),
    sound: oneOf(kept.sound, [true, false], base.sound),
    confirmOrders: oneOf(kept.confirmOrders, [true, false], base.confirmOrders),
  };
}

const slice = createSlice({
  name: 'settings',
  initialState: () => readSettings(globalThis.localStorage?.getItem(settingsKey) ?? null, globalThis.navigator?.language ?? 'en'),
  reducers: {
    changed(state, { payload }: PayloadAction<Partial<SettingsState>>) {
      Object.assign(state, payload);
    },
  },
});

export const settings = slice.actions;
export const settingsReducer = slice.reducer;
