// Notices that are shown over the screen for a while. They never take the focus, close on
// Escape, and stay while the pointer is over them.
import './notices.css';
import { useEffect, useRef, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { notices, type Toast } from './slice';
import { levelSigns } from './signs';
import { wordsOf } from './words';

/** How long a toast stays after its latest notice, ms. */
const lifeOf = ({ notice }: Toast): number => (notice.level === 'warning' ? 12_000 : 6_000);

export function Toasts() {
  const t = useT();
  const dispatch = useAppDispatch();
  const toasts = useAppSelector((s) => s.notices.toasts);
  const ref = useRef<HTMLElement>(null);
  const [held, setHeld] = useState(false);
  const some = toasts.length > 0;
  useEffect(() => {
    if (!some) return undefined;
    const escape = (event: KeyboardEvent): void => {
      // An open dialog or popover closes first.
      if (event.key === 'Escape' && !event.defaultPrevented && !document.querySelector('dialog[open], [popover]:popover-open')) dispatch(notices.allDismissed());
    };
    document.addEventListener('keydown', escape);
    return () => document.removeEventListener('keydown', escape);
  }, [some, dispatch]);
  useEffect(() => {
    const section = ref.current;
    if (!section) return undefined;
    const look = (): void => setHeld(section.matches(':hover, :focus-within'));
    const events = ['pointerenter', 'pointerleave', 'focusin', 'focusout'] as const;
    for (const event of events) section.addEventListener(event, look);
    // A removed toast sends no pointerleave event.
    const removals = new MutationObserver(look);
    removals.observe(section, { childList: true, subtree: true });
    return () => {
      for (const event of events) section.removeEventListener(event, look);
      removals.disconnect();
    };
  }, []);
  const list = (urgent: boolean) => (
    <ol aria-live={urgent ? 'assertive' : 'polite'}>
      {toasts
        .filter(({ notice }) => (notice.level === 'warning') === urgent)
        .map((toast) => (
          <One key={toast.id} toast={toast} held={held} />
        ))}
    </ol>
  );
  return (
    <section ref={ref} className="toasts" aria-label={t('notice.toasts')}>
      {list(true)}
      {list(false)}
    </section>
  );
}

function One({ toast, held }: { toast: Toast; held: boolean }) {
  const t = useT();
  const dispatch = useAppDispatch();
  const language = useAppSelector((s) => s.settings.language);
  const { id, notice, count } = toast;
  const { title, text, why } = wordsOf(t, language, notice);
  useEffect(() => {
    if (held) return undefined;
    const timer = setTimeout(() => dispatch(notices.dismissed(toast.id)), lifeOf(toast));
    return () => clearTimeout(timer);
  }, [dispatch, toast, held]);
  return (
    <li className="toast" data-level={notice.level} data-group={notice.group}>
      <span className="sign" aria-hidden="true">
        {levelSigns[notice.level]}
      </span>
      <div>
        <strong>{count > 1 ? t('notice.many', { title, n: count }) : title}</strong>
        <p>{text}</p>
        {why && <p className="why">{why}</p>}
      </div>
      <button type="button" className="quiet" aria-label={t('notice.close')} onClick={() => dispatch(notices.dismissed(id))}>
        ×
      </button>
    </li>
  );
}
