// The theme that is shown: what the user chose, or what the machine is set to.
import { useAppSelector } from '../../app/hooks';
import { useMedia } from '../../ui/useMedia';
import type { Theme } from './slice';

export const prefersLight = '(prefers-color-scheme: light)';

export type ShownTheme = Exclude<Theme, 'system'>;

export function shownTheme(theme: Theme, light: boolean): ShownTheme {
  return theme === 'system' ? (light ? 'light' : 'dark') : theme;
}

/** The present shownTheme, for canvases, which cannot use the style sheet's colours. */
export function useTheme(): ShownTheme {
  const light = useMedia(prefersLight);
  return shownTheme(
    useAppSelector((s) => s.settings.theme),
    light,
  );
}
