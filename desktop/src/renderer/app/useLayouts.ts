// The layouts of the signed-in user: read at the start and when another window has written
// them, written whenever they change.
import { useCallback, useEffect, useState } from 'react';
import { mergeStored, type Layouts, layoutsKey, readLayouts } from '../features/layouts/kept';
import { panelKinds } from './panels';
import { readText, storeText } from '../ui/store';

const known = (panel: string): boolean => Object.hasOwn(panelKinds, panel);

/** The user's layouts and how to change them. For one user: give the component that uses it a key. */
export function useLayouts(user: string): [Layouts, (change: (kept: Layouts) => Layouts) => void] {
  const key = layoutsKey(user);
  const [kept, setKept] = useState(() => readLayouts(readText(key), known));
  useEffect(() => {
    const written = (event: StorageEvent): void => {
      if (event.key === key && event.newValue !== null) setKept((own) => mergeStored(own, readLayouts(event.newValue, known)));
    };
    window.addEventListener('storage', written);
    return () => window.removeEventListener('storage', written);
  }, [key]);
  const change = useCallback(
    (next: (kept: Layouts) => Layouts) =>
      setKept((before) => {
        const after = next(before);
        storeText(key, JSON.stringify(after));
        return after;
      }),
    [key],
  );
  return [kept, change];
}
