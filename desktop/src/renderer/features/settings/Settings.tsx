// All settings: appearance, notifications, the connection to the venue, and the user's account.
import './settings.css';
import { Tabs } from 'radix-ui';
import { type ReactNode, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { type Key, useT } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import { AccountTab } from './AccountTab';
import { ConnectionTab } from './ConnectionTab';
import { choices, type SettingsState, settings } from './slice';

export interface SettingsProps {
  onClose: () => void;
  /** Asks the user for permission to notify through the operating system; false if it is denied. */
  allowNotices: () => Promise<boolean>;
}

export default function Settings({ onClose, allowNotices }: SettingsProps) {
  const t = useT();
  const signedIn = useAppSelector((s) => s.session.status === 'signedIn');
  const tabs: [string, Key, ReactNode][] = [
    ['look', 'settings.look', <LookTab key="look" />],
    ['trading', 'settings.trading', <TradingTab key="trading" allowNotices={allowNotices} />],
    ['connection', 'settings.connection', <ConnectionTab key="connection" />],
  ];
  if (signedIn) tabs.push(['account', 'settings.account', <AccountTab key="account" />]);
  return (
    <Dialog title={t('settings.title')} onClose={onClose}>
      <Tabs.Root className="settings" defaultValue="look" activationMode="automatic">
        <Tabs.List className="tabs" aria-label={t('settings.title')}>
          {tabs.map(([name, key]) => (
            <Tabs.Trigger key={name} value={name}>
              {t(key)}
            </Tabs.Trigger>
          ))}
        </Tabs.List>
        {tabs.map(([name, , content]) => (
          <Tabs.Content key={name} value={name} className="tab">
            {content}
          </Tabs.Content>
        ))}
      </Tabs.Root>
      <div className="buttons">
        <button type="button" className="primary" onClick={onClose}>
          {t('settings.done')}
        </button>
      </div>
    </Dialog>
  );
}

type Choice = keyof typeof choices;

/** A setting with few values, as radio buttons. */
function Choose({ name }: { name: Choice }) {
  const t = useT();
  const dispatch = useAppDispatch();
  const value = useAppSelector((s) => s.settings[name]);
  return (
    <fieldset className="choose">
      <legend>{t(`settings.${name}`)}</legend>
      {choices[name].map((one) => (
        <label key={one}>
          <input type="radio" name={name} checked={one === value} onChange={() => dispatch(settings.changed({ [name]: one }))} />
          <span>{t(`settings.${name}.${one}` as Key)}</span>
          {name === 'palette' && (
            <span className="sample" data-sample={one} aria-hidden="true">
              <b>▲</b> <i>▼</i>
            </span>
          )}
        </label>
      ))}
    </fieldset>
  );
}

function LookTab() {
  return (
    <>
      <Choose name="language" />
      <Choose name="theme" />
      <Choose name="palette" />
      <Choose name="fontSize" />
    </>
  );
}

function TradingTab({ allowNotices }: { allowNotices: SettingsProps['allowNotices'] }) {
  const t = useT();
  const dispatch = useAppDispatch();
  const [denied, setDenied] = useState(false);
  const change = (value: Partial<SettingsState>): void => {
    dispatch(settings.changed(value));
  };
  const { sound, systemNotices, confirmOrders } = useAppSelector((s) => s.settings);
  // Asked only here: users deny permission prompts that appear by themselves.
  const systemChanged = (wanted: boolean): void => {
    if (!wanted) {
      setDenied(false);
      change({ systemNotices: false });
      return;
    }
    void allowNotices().then((allowed) => {
      setDenied(!allowed);
      change({ systemNotices: allowed });
    });
  };
  return (
    <>
      <label className="check">
        <input type="checkbox" checked={confirmOrders} onChange={(e) => change({ confirmOrders: e.target.checked })} />
        {t('settings.confirmOrders')}
      </label>
      <label className="check">
        <input type="checkbox" checked={sound} onChange={(e) => change({ sound: e.target.checked })} />
        {t('settings.sound')}
      </label>
      <label className="check">
        <input type="checkbox" checked={systemNotices} onChange={(e) => systemChanged(e.target.checked)} />
        {t('settings.systemNotices')}
      </label>
      <p className="problem" role="status">
        {denied ? t('settings.systemNotices.denied') : ''}
      </p>
    </>
  );
}
