// Opens the settings, from the bar and from the sign-in screen alike.
import { type ReactNode, useState } from 'react';
import { useT } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import { Icon } from '../../ui/Icon';
import { part } from '../../ui/part';
import { useShell } from '../../venue/useShell';

// Loaded on demand, so that prices are shown sooner.
const Settings = part(() => import('./Settings'), InsteadOfSettings);

function InsteadOfSettings({ onClose, children }: { onClose: () => void; children: ReactNode }) {
  const t = useT();
  return (
    <Dialog title={t('settings.title')} onClose={onClose}>
      {children}
      <div className="buttons">
        <button type="button" onClick={onClose}>
          {t('settings.done')}
        </button>
      </div>
    </Dialog>
  );
}

export function SettingsButton() {
  const t = useT();
  const shell = useShell();
  const [open, setOpen] = useState(false);
  return (
    <>
      <button type="button" className="quiet icon" aria-label={t('settings.title')} title={t('settings.title')} aria-haspopup="dialog" onClick={() => setOpen(true)}>
        <Icon name="gear" />
      </button>
      {open && <Settings onClose={() => setOpen(false)} allowNotices={() => shell?.allowNotices() ?? Promise.resolve(false)} />}
    </>
  );
}
