// A time in the user's zone, with UTC in the tooltip.
import { type Formats, useFormats } from '../i18n/format';

export interface TimeProps {
  /** ms since 1970; 0 is unknown and shows nothing. */
  at: number;
  as?: Exclude<keyof Formats, 'venue' | 'count'>;
}

export function Time({ at, as = 'time' }: TimeProps) {
  const formats = useFormats();
  if (at === 0) return null;
  return (
    <time dateTime={new Date(at).toISOString()} title={formats.venue(at)}>
      {formats[as](at)}
    </time>
  );
}
