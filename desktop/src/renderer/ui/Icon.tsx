// The icons of the bar. Each is in a button with a text label for screen readers.
const paths = {
  bell: 'M8 1.8a4 4 0 0 0-4 4v2.6L2.7 11v.8h10.6V11L12 8.4V5.8a4 4 0 0 0-4-4zM6.4 13.2a1.7 1.7 0 0 0 3.2 0',
  people: 'M5.8 7.6a2.4 2.4 0 1 0 0-4.8 2.4 2.4 0 0 0 0 4.8zM1.5 13.2c0-2.5 1.9-4 4.3-4s4.3 1.5 4.3 4M10.6 3a2.3 2.3 0 0 1 0 4.5M12 9.4c1.6.5 2.5 1.9 2.5 3.8',
  gear: 'M2 4.5h6.5M12 4.5h2M2 11.5h2M7.5 11.5H14M10.2 6.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6zM5.8 13.3a1.8 1.8 0 1 0 0-3.6 1.8 1.8 0 0 0 0 3.6z',
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }) {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" fill="none" stroke="currentColor" strokeWidth="1.3" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
