// Opens the settings, from the bar and from the sign-in screen alike.
import { lazy, Suspense, useState } from 'react';
import { useT } from '../../i18n';
import { Icon } from '../../ui/Icon';
import { useShell } from '../../venue/useShell';

// Loaded on demand, so that prices are shown sooner.
const Settings = lazy(() => import('./Settings'));

export function SettingsButton() {
  const t = useT();
  const shell = useShell();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="quiet icon" aria-label={t('settings.title')} title={t('settings.title')} aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon name="gear" />
      </button>
      {open && (
        <Suspense fallback={null}>
          <Settings onClose={() => setOpen(false)} allowNotices={() => shell?.allowNotices() ?? Promise.resolve(false)} />
        </Suspense>
      )}
    </>
  );
}
