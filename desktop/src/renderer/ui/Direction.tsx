// Shows up or down by shape and text, in addition to the palette's colour.
import { useT } from '../i18n';
import './direction.css';

export function Direction({ of: direction }: { of: -1 | 0 | 1 | undefined }) {
  const t = useT();
  if (!direction) return <span className="direction" />;
  return (
    <span className="direction" role="img" aria-label={t(direction > 0 ? 'market.up' : 'market.down')}>
      {direction > 0 ? '▲' : '▼'}
    </span>
  );
}
