// The menu of panels and of stored layouts.
import './layouts.css';
import { type FormEvent, useState } from 'react';
import { useT } from '../../i18n';
import type { Key } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import { type Layouts as Kept, layoutName, longestName, mostLayouts, unnamed } from './kept';

export interface LayoutsProps {
  kept: Kept;
  /** All panels, by id with their titles. */
  kinds: Readonly<Record<string, { title: Key }>>;
  /** Ids of those that are shown. */
  shown: readonly string[];
  onPanel: (id: string, show: boolean) => void;
  onChoose: (name: string) => void;
  onSaveAs: (name: string) => void;
  onReset: () => void;
  onDelete: () => void;
  onClose: () => void;
}

export function Layouts({ kept, kinds, shown, onPanel, onChoose, onSaveAs, onReset, onDelete, onClose }: LayoutsProps) {
  const t = useT();
  const [name, setName] = useState('');
  const names = [unnamed, ...Object.keys(kept.docks).filter((one) => one !== unnamed)];
  const wanted = layoutName(name);
  const taken = wanted !== undefined && names.includes(wanted);
  const full = names.length > mostLayouts;
  const save = (event: FormEvent): void => {
    event.preventDefault();
    if (wanted === undefined || taken || full) return;
    onSaveAs(wanted);
    setName('');
  };
  return (
    <Dialog title={t('layout.title')} onClose={onClose}>
      <div className="layouts">
        <fieldset className="panels">
          <legend>{t('layout.panels')}</legend>
          {Object.entries(kinds).map(([id, { title }]) => (
            <label key={id}>
              <input type="checkbox" checked={shown.includes(id)} onChange={(event) => onPanel(id, event.target.checked)} />
              {t(title)}
            </label>
          ))}
        </fieldset>
        <fieldset>
          <legend>{t('layout.layouts')}</legend>
          {names.map((one) => (
            <label key={one}>
              <input type="radio" name="layout" checked={one === kept.current} onChange={() => onChoose(one)} />
              {one === unnamed ? t('layout.standard') : one}
            </label>
          ))}
          <div className="row">
            <button type="button" onClick={onReset}>
              {t('layout.reset')}
            </button>
            <button type="button" disabled={kept.current === unnamed} onClick={onDelete}>
              {t('layout.delete')}
            </button>
          </div>
          <form className="row" onSubmit={save} aria-label={t('layout.saveAs')}>
            <label>
              {t('layout.saveAs')}
              <input name="layout-name" aria-label={t('layout.name')} maxLength={longestName} autoComplete="off" value={name} onChange={(event) => setName(event.target.value)} />
            </label>
            <button type="submit" disabled={wanted === undefined || taken || full}>
              {t('layout.save')}
            </button>
          </form>
          <p className="problem" role="status">
            {full ? t('layout.full', { n: names.length }) : taken ? t('layout.taken') : ''}
          </p>
        </fieldset>
        <div className="buttons">
          <button type="button" className="primary" onClick={onClose}>
            {t('layout.done')}
          </button>
        </div>
      </div>
    </Dialog>
  );
}
