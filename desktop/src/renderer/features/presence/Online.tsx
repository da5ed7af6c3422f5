// Who is online: a count in the bar, and the names behind it.
import './presence.css';
import { useAppSelector } from '../../app/hooks';
import { useFormats } from '../../i18n/format';
import { useT } from '../../i18n';
import { Age } from '../market/Age';
import { Popover } from '../../ui/Popover';
import { Time } from '../../ui/Time';

export function Online() {
  const t = useT();
  const formats = useFormats();
  const online = useAppSelector((s) => s.presence.online);
  const me = useAppSelector((s) => s.session.user?.displayName);
  const names = Object.keys(online).toSorted((a, b) => a.localeCompare(b));
  return (
    <Popover name={t('presence.button', { n: formats.count(names.length) })} title={t('presence.title')} icon="people" badge={formats.count(names.length)}>
      <Age />
      <ul className="online" aria-label={t('presence.title')}>
        {names.map((name) => (
          <li key={name} className="live">
            <span className="dot" aria-hidden="true" />
            <span className="who">{name === me ? t('presence.me', { name }) : name}</span>
            <Time at={online[name] ?? 0} />
          </li>
        ))}
      </ul>
    </Popover>
  );
}
