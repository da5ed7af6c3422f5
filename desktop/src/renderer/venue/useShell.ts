// The shell, for the few views that must call it inside a click handler: browsers allow some
// requests only there.
import { createContext, useContext } from 'react';
import type { Shell } from './shell';

export const ShellContext = createContext<Pick<Shell, 'allowNotices'> | undefined>(undefined);

export function useShell(): Pick<Shell, 'allowNotices'> | undefined {
  return useContext(ShellContext);
}
