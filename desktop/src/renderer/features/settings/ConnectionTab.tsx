// How the venue is reached, and the state of the channel. Only the desktop application has such
// settings; a page uses its own origin.
import { type FormEvent, type HTMLInputTypeAttribute, useEffect, useId, useState } from 'react';
import { useAppDispatch, useAppSelector } from '../../app/hooks';
import type { SettingsRefusal, ShellSettings } from '../../../shared/bridge';
import { type Key, useT } from '../../i18n';
import { useFormats } from '../../i18n/format';
import { upstream } from './upstream';

export function ConnectionTab() {
  const t = useT();
  const formats = useFormats();
  const { settings, connectivity } = useAppSelector((s) => s.upstream);
  const { serverVersion, lag, attaches, conflated, heartbeatMs, staleMs, watchdogMs } = useAppSelector((s) => s.feed);
  const facts: [Key, string][] = [
    ['settings.channel', settings ? (connectivity ? t(`settings.channel.${connectivity}`) : '–') : t('settings.channel.browser')],
    ['settings.server', serverVersion || '–'],
    ['settings.lag', lag === undefined ? '–' : t('feed.lag', { ms: Math.round(lag) })],
    ['settings.attaches', formats.count(attaches)],
    ['settings.conflated', formats.count(conflated)],
    ['settings.intervals', [heartbeatMs, staleMs, watchdogMs].map((ms) => t('settings.seconds', { s: ms / 1000 })).join(' / ')],
  ];
  return (
    <>
      <dl className="facts">
        {facts.map(([key, value]) => (
          <div key={key}>
            <dt>{t(key)}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {settings ? <WayForm key={JSON.stringify(settings)} settings={settings} /> : <p className="hint">{t('settings.browserWay')}</p>}
    </>
  );
}

type Named = SettingsRefusal['field'];

/** Whole seconds as typed; anything else becomes NaN, which main refuses with the field's name. */
const milliseconds = (seconds: string): number => (/^\d{1,5}$/.test(seconds.trim()) ? Number(seconds) * 1000 : Number.NaN);

function WayForm({ settings }: { settings: ShellSettings }) {
  const t = useT();
  const dispatch = useAppDispatch();
  const signedIn = useAppSelector((s) => s.session.status === 'signedIn');
  const { status, refused } = useAppSelector((s) => s.upstream);
  const [draft, setDraft] = useState(settings);
  const [time, setTime] = useState(String(settings.keepalive.timeMs / 1000));
  const [timeout, setTimeoutText] = useState(String(settings.keepalive.timeoutMs / 1000));
  useEffect(() => () => void dispatch(upstream.opened()), [dispatch]);
  const change = (value: Partial<ShellSettings>): void => setDraft((before) => ({ ...before, ...value }));
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    dispatch(upstream.save({ ...draft, keepalive: { ...draft.keepalive, timeMs: milliseconds(time), timeoutMs: milliseconds(timeout) } }));
  };
  const problem = (field: Named): string => (refused?.field === field ? t(`settings.refused.${refused.reason}`) : '');
  const check = (field: Named, text: string, checked: boolean, onChange: (on: boolean) => void) => (
    <>
      <label className="check">
        <input type="checkbox" name={field} checked={checked} aria-invalid={problem(field) !== ''} onChange={(e) => onChange(e.target.checked)} />
        {text}
      </label>
      {problem(field) && <p className="problem">{problem(field)}</p>}
    </>
  );
  return (
    <form className="upstream" onSubmit={submit} noValidate aria-label={t('settings.connection')}>
      <Field name="endpoint" label={t('settings.endpoint')} value={draft.endpoint} problem={problem('endpoint')} onChange={(endpoint) => change({ endpoint: endpoint.trim() })} />
      {check('tls', t('settings.tls'), draft.tls, (tls) => change({ tls }))}
      <Field name="caFile" label={t('settings.caFile')} value={draft.caFile} problem={problem('caFile')} onChange={(caFile) => change({ caFile })} />
      <Field name="certFile" label={t('settings.certFile')} value={draft.certFile} problem={problem('certFile')} onChange={(certFile) => change({ certFile })} />
      <Field name="keyFile" label={t('settings.keyFile')} value={draft.keyFile} problem={problem('keyFile')} onChange={(keyFile) => change({ keyFile })} />
      <fieldset>
        <legend>{t('settings.keepalive')}</legend>
        <Field name="timeMs" label={t('settings.pingTime')} type="number" value={time} problem={problem('timeMs')} onChange={setTime} />
        <Field name="timeoutMs" label={t('settings.pingTimeout')} type="number" value={timeout} problem={problem('timeoutMs')} onChange={setTimeoutText} />
        {check('permitWithoutStream', t('settings.permit'), draft.keepalive.permitWithoutStream, (permitWithoutStream) => change({ keepalive: { ...draft.keepalive, permitWithoutStream } }))}
        <dl className="ignored">
          <dt>
            <code>grpc.http2.min_time_between_pings_ms</code>
          </dt>
          <dd>{t('settings.ignored.minTime')}</dd>
          <dt>
            <code>grpc.http2.max_pings_without_data</code>
          </dt>
          <dd>{t('settings.ignored.maxPings')}</dd>
        </dl>
      </fieldset>
      {signedIn && draft.endpoint !== settings.endpoint && <p className="hint">{t('settings.endpointSignsOut')}</p>}
      <div className="row">
        <button type="submit" disabled={status === 'saving'}>
          {t('settings.save')}
        </button>
        <p role="status" className={status === 'refused' ? 'problem' : 'hint'}>
          {status === 'saved' ? t('settings.saved') : status === 'refused' && refused?.field === '' ? problem('') : ''}
        </p>
      </div>
    </form>
  );
}

interface FieldProps {
  name: Named;
  label: string;
  value: string;
  problem: string;
  type?: HTMLInputTypeAttribute;
  onChange: (value: string) => void;
}

function Field({ name, label, value, problem, type = 'text', onChange }: FieldProps) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        name={name}
        type={type}
        value={value}
        autoComplete="off"
        spellCheck={false}
        aria-invalid={problem !== ''}
        {...(problem ? { 'aria-describedby': `${id}-problem` } : {})}
        onChange={(e) => onChange(e.target.value)}
      />
      {problem && (
        <p id={`${id}-problem`} className="problem" role="alert">
          {problem}
        </p>
      )}
    </div>
  );
}
