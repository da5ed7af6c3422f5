// Keeps the settings in this browser and shows the document in them.
import type { AppStore } from '../../app/store';
import { type SettingsState, settingsKey } from './slice';
import { prefersLight, shownTheme } from './theme';

export function keepSettings(store: AppStore): void {
  const system = matchMedia(prefersLight);
  let shown: SettingsState | undefined;
  const show = (): void => {
    const { settings } = store.getState();
    const { dataset } = document.documentElement;
    document.documentElement.lang = settings.language;
    dataset['theme'] = shownTheme(settings.theme, system.matches);
    dataset['palette'] = settings.palette;
    dataset['size'] = settings.fontSize;
    if (shown && shown !== settings) localStorage.setItem(settingsKey, JSON.stringify(settings));
    shown = settings;
  };
  show();
  system.addEventListener('change', show);
  store.subscribe(() => {
    if (store.getState().settings !== shown) show();
  });
}
