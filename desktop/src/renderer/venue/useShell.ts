// The shell for the few views that must ask it within a click, before the browser forgets
// that there was one.
import { createContext, useContext } from 'react';
import type { Shell } from './shell';

export const ShellContext = createContext<Pick<Shell, 'allowNotices'> | undefined>(undefined);

export function useShell(): Pick<Shell, 'allowNotices'> | undefined {
  return useContext(ShellContext);
}
