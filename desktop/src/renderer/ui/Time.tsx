// A moment, in the user's zone; the venue's UTC for whoever points at it.
import { type Formats, useFormats } from '../i18n/format';

export interface TimeProps {
  /** ms since the epoch; nothing is shown for 0, which is a moment that nobody said. */
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
