// A sign for each level, so that no colour is needed to tell them apart.
import type { Level } from './notice';

export const levelSigns: Record<Level, string> = { info: 'i', good: '✓', warning: '!' };
