// The layouts of the user who is signed in: read once, written whenever they change.
import { useCallback, useState } from 'react';
import { type Layouts, layoutsKey, readLayouts } from '../features/layouts/kept';
import { panelKinds } from './panels';

/** The user's layouts and how to change them. For one user: give the component that uses it a key. */
export function useLayouts(user: string): [Layouts, (change: (kept: Layouts) => Layouts) => void] {
  const key = layoutsKey(user);
  const [kept, setKept] = useState(() => readLayouts(localStorage.getItem(key), (panel) => Object.hasOwn(panelKinds, panel)));
  const change = useCallback(
    (next: (kept: Layouts) => Layouts) =>
      setKept((before) => {
        const after = next(before);
        try {
          localStorage.setItem(key, JSON.stringify(after));
        } catch {
          // No room, or none allowed: this page has it, the next one will not.
        }
        return after;
      }),
    [key],
  );
  return [kept, change];
}
