// Keeps the settings in this browser and shows the document in them.
import type { AppStore } from '../../app/store';
import { type SettingsState, settingsKey } from './slice';

export function keepSettings(store: AppStore): void {
  let shown: SettingsState | undefined;
  const show = (): void => {
    const { settings } = store.getState();
    if (settings === shown) return;
    const { dataset } = document.documentElement;
    document.documentElement.lang = settings.language;
    dataset['theme'] = settings.theme;
    dataset['palette'] = settings.palette;
    if (shown) localStorage.setItem(settingsKey, JSON.stringify(settings));
    shown = settings;
  };
  show();
  store.subscribe(show);
}
