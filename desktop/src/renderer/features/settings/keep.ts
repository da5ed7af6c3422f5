// Stores the settings in this browser and applies them to the document.
import type { AppStore } from '../../app/store';
import { storeText } from '../../ui/store';
import { readSettings, settings as change, type SettingsState, settingsKey } from './slice';
import { prefersLight, shownTheme } from './theme';

export function keepSettings(store: Pick<AppStore, 'getState' | 'dispatch' | 'subscribe'>): void {
  const system = matchMedia(prefersLight);
  let shown: SettingsState | undefined;
  const show = (): void => {
    const { settings } = store.getState();
    const { dataset } = document.documentElement;
    document.documentElement.lang = settings.language;
    dataset['theme'] = shownTheme(settings.theme, system.matches);
    dataset['palette'] = settings.palette;
    dataset['size'] = settings.fontSize;
    if (shown && shown !== settings) storeText(settingsKey, JSON.stringify(settings));
    shown = settings;
  };
  show();
  system.addEventListener('change', show);
  // Changes by another window apply here too, so that the next change here does not undo them.
  window.addEventListener('storage', ({ key, newValue }) => {
    if (key === settingsKey && newValue !== null) store.dispatch(change.changed(readSettings(newValue, navigator.language)));
  });
  store.subscribe(() => {
    if (store.getState().settings !== shown) show();
  });
}
