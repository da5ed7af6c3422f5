// A button of the bar that opens a popover below it, in the browser's top layer. It closes on
// Escape and on a click elsewhere; the screen below stays usable.
import './popover.css';
import { type ReactNode, useEffect, useId, useRef, useState } from 'react';
import { Icon, type IconName } from './Icon';

export interface PopoverProps {
  /** The button's label. */
  name: string;
  title: string;
  icon: IconName;
  /** A count on the button, or empty. */
  badge?: string;
  onOpen?: () => void;
  children: ReactNode;
}

export function Popover({ name, title, icon, badge = '', onOpen, children }: PopoverProps) {
  const id = useId();
  const sheet = useRef<HTMLDivElement>(null);
  const [open, setOpen] = useState(false);
  const opened = useRef(onOpen);
  useEffect(() => {
    opened.current = onOpen;
  });
  useEffect(() => {
    const element = sheet.current;
    const toggled = (event: Event): void => {
      const now = (event as ToggleEvent).newState === 'open';
      setOpen(now);
      // Also when it closes, because the user has seen what arrived while it was open.
      opened.current?.();
    };
    element?.addEventListener('toggle', toggled);
    return () => element?.removeEventListener('toggle', toggled);
  }, []);
  return (
    <>
      <button type="button" className="quiet icon" aria-label={name} title={name} aria-expanded={open} popoverTarget={id}>
        <Icon name={icon} />
        {badge !== '' && (
          <span className="badge" aria-hidden="true">
            {badge}
          </span>
        )}
      </button>
      <div ref={sheet} id={id} popover="auto" role="dialog" aria-label={title} className="popover">
        <h2>{title}</h2>
        {open && children}
      </div>
    </>
  );
}
