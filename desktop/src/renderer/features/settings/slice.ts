// How the screen looks, its language and notifications, stored in this browser. Never a secret.
import { createSlice, type PayloadAction } from '@reduxjs/toolkit';
import { readText } from '../../ui/store';

export type Language = 'en' | 'ja';
/** system follows what the machine is set to, and changes with it. */
export type Theme = 'dark' | 'light' | 'system';
/** Which colour a rising price has: green as in the west, red as in Japan. */
export type Palette = 'greenUp' | 'redUp';
export type FontSize = 'small' | 'normal' | 'large';
/** The factor of the text size, for what is laid out in pixels. base.css has the sizes. */
export const fontScale: Record<FontSize, number> = { small: 12 / 13, normal: 1, large: 15 / 13 };

export interface SettingsState {
  language: Language;
  theme: Theme;
  palette: Palette;
  fontSize: FontSize;
  /** A tone with each notice that pops up. */
  sound: boolean;
  /** The operating system shows notices while the window has no focus. */
  systemNotices: boolean;
  /** Ask before an order is sent. */
  confirmOrders: boolean;
}

export const settingsKey = 'todoku.settings';

export const defaults: SettingsState = {
  language: 'en',
  theme: 'dark',
  palette: 'greenUp',
  fontSize: 'normal',
  sound: false,
  systemNotices: false,
  confirmOrders: false,
};

/** What a setting can be; in the order in which it is offered. */
export const choices = {
  language: ['en', 'ja'],
  theme: ['dark', 'light', 'system'],
  palette: ['greenUp', 'redUp'],
  fontSize: ['small', 'normal', 'large'],
} as const satisfies { [K in keyof SettingsState]?: readonly SettingsState[K][] };

/** Reads stored settings; an unknown value is replaced by its default. */
export function readSettings(text: string | null, language: string): SettingsState {
  const japanese = language.toLowerCase().startsWith('ja');
  const base: SettingsState = japanese ? { ...defaults, language: 'ja', palette: 'redUp' } : defaults;
  let stored: Partial<Record<keyof SettingsState, unknown>> = {};
  try {
    const parsed: unknown = JSON.parse(text ?? '{}');
    if (typeof parsed === 'object' && parsed !== null) stored = parsed;
  } catch {
    // Damaged: use the defaults.
  }
  const oneOf = <T>(value: unknown, allowed: readonly T[], otherwise: T): T => (allowed.includes(value as T) ? (value as T) : otherwise);
  return {
    language: oneOf(stored.language, choices.language, base.language),
    theme: oneOf(stored.theme, choices.theme, base.theme),
    palette: oneOf(stored.palette, choices.palette, base.palette),
    fontSize: oneOf(stored.fontSize, choices.fontSize, base.fontSize),
    sound: oneOf(stored.sound, [true, false], base.sound),
    systemNotices: oneOf(stored.systemNotices, [true, false], base.systemNotices),
    confirmOrders: oneOf(stored.confirmOrders, [true, false], base.confirmOrders),
  };
}

const slice = createSlice({
  name: 'settings',
  initialState: () => readSettings(readText(settingsKey), globalThis.navigator?.language ?? 'en'),
  reducers: {
    changed(state, { payload }: PayloadAction<Partial<SettingsState>>) {
      Object.assign(state, payload);
    },
  },
});

export const settings = slice.actions;
export const settingsReducer = slice.reducer;
