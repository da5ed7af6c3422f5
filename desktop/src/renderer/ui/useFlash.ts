// Flashes a cell when its value changes.
import { type RefObject, useLayoutEffect, useRef } from 'react';
import './flash.css';

/** For a cell that shows value: put the reference on it, and it flashes whenever value changes. */
export function useFlash<E extends HTMLElement>(value: string | undefined): RefObject<E | null> {
  const cell = useRef<E>(null);
  const shown = useRef(value);
  useLayoutEffect(() => {
    if (shown.current === value) return;
    shown.current = value;
    // Alternate between two names of the same animation, so that a running one starts again.
    if (cell.current) cell.current.dataset['flash'] = cell.current.dataset['flash'] === '0' ? '1' : '0';
  }, [value]);
  return cell;
}
