// A sign for each level, so that levels differ not only by colour.
import type { Level } from './notice';

export const levelSigns: Record<Level, string> = { info: 'i', good: '✓', warning: '!' };
