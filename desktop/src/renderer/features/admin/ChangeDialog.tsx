// The dialog of every change: its fields, a description of what will happen, a confirmation, and
// then the venue's answer. It closes when the change is done.
import { type FormEvent, type ReactNode, useEffect, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import { useT } from '../../i18n';
import { Dialog } from '../../ui/Dialog';
import { newId } from '../../venue/id';
import { useReasonText } from '../orders/reasons';
import type { Change } from './changes';
import type { Check } from './rules';
import { admin } from './slice';

export interface AskProps {
  title: string;
  /** The text of the confirming button, a verb. */
  confirm: string;
  /** A description of what will happen; undefined if nothing would change. */
  what: string | undefined;
  change: Change;
  checks?: readonly Check[];
  /** A warning. */
  warning?: string | undefined;
  /** Why the change is impossible although all fields are valid. */
  off?: string | undefined;
  password?: string;
  onClose: () => void;
  /** Renders the fields, given what is wrong with each. */
  children?: (problemAt: (field: string, text?: string) => string | undefined) => ReactNode;
}

/** The form's name of a request's field: without the path before it and the index after it. */
export function fieldName(field: string): string {
  return field.replace(/^.*\./, '').replace(/\[\d+\]$/, '');
}

const none: readonly Check[] = [];

export function ChangeDialog({ title, confirm, what, change, checks = none, warning, off, password = '', onClose, children }: AskProps) {
  const t = useT();
  const textOf = useReasonText();
  const dispatch = useAppDispatch();
  const [id, setId] = useState('');
  const [sent, setSent] = useState('');
  const [attempted, setAttempted] = useState(false);
  const request = useAppSelector((s) => s.admin.requests[id]);
  const over = id !== '' && request === undefined;
  useEffect(() => {
    if (over) onClose();
  }, [over, onClose]);

  const typed = JSON.stringify(change) + String(password.length);
  const state = request?.state;
  const busy = state === 'pending' || state === 'taken';
  const refusal = state === 'refused' && typed === sent ? request?.problem : undefined;
  const refusedField = refusal ? fieldName(refusal.field) : '';
  // Fields register here when they ask what is wrong with them.
  const shown = new Set<string>();
  const problemAt = (field: string, text = ''): string | undefined => {
    shown.add(field);
    const check = checks.find((one) => one.field === field);
    // A missing value is reported only after the user has left its field, or if another error depends on it.
    if (check && (attempted || text !== '' || check.why === 'bandNeedsReference')) return t(`admin.check.${check.why}`, check.values);
    return refusal && refusedField === field ? textOf(refusal) : undefined;
  };
  const fields = children?.(problemAt);
  const close = (): void => {
    if (busy) return; // The request is pending; its answer or timeout follows shortly.
    if (request) dispatch(admin.dismissed(id));
    onClose();
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    setAttempted(true);
    if (busy || state === 'unknown' || checks.length > 0 || what === undefined || off !== undefined) return;
    if (request) dispatch(admin.dismissed(id));
    const asking = admin.requested(change, newId(), Date.now(), password);
    setId(asking.payload.id);
    setSent(typed);
    dispatch(asking);
  };
  const status = (): string | undefined => {
    switch (state) {
      case 'pending':
        return t('admin.dialog.sending');
      case 'taken':
        return t('admin.dialog.taken');
      case 'unknown':
        return t(change.kind === 'disconnect' ? 'admin.dialog.unknownOnce' : 'admin.dialog.unknown');
      default:
        return off ?? (what === undefined ? t('admin.dialog.same') : undefined);
    }
  };
  return (
    <Dialog title={title} onClose={close}>
      <form className="ask" onSubmit={submit} noValidate aria-busy={busy}>
        <fieldset disabled={busy || state === 'unknown'}>{fields}</fieldset>
        {what !== undefined && (
          <section className="what" aria-label={t('admin.dialog.what')}>
            <h3>{t('admin.dialog.what')}</h3>
            <p>{what}</p>
            {warning && <p className="warning">{warning}</p>}
          </section>
        )}
        {refusal && !shown.has(refusedField) && (
          <p role="alert" className="problem">
            {textOf(refusal)}
          </p>
        )}
        <p role="status" className="state">
          {status()}
        </p>
        <div className="buttons">
          <button type="button" onClick={close} disabled={busy}>
            {t(state === 'unknown' ? 'admin.dialog.close' : 'admin.dialog.back')}
          </button>
          {state === 'unknown' ? (
            change.kind !== 'disconnect' && (
              <button type="button" className="primary" onClick={() => dispatch(admin.askedAgain(id))}>
                {t('admin.dialog.again')}
              </button>
            )
          ) : (
            <button type="submit" className="primary" disabled={busy || what === undefined || off !== undefined}>
              {confirm}
            </button>
          )}
        </div>
      </form>
    </Dialog>
  );
}
