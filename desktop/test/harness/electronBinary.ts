// Where Electron's own binary is present, everything runs in it too; where it is not, the
// output says so.
import { existsSync } from 'node:fs';
import path from 'node:path';

const given = process.env['ELECTRON'] ?? path.resolve(import.meta.dirname, '../../node_modules/electron/dist/electron');

/** Path of the binary; undefined where there is none. */
export const electronBinary = existsSync(given) ? given : undefined;

/** Vitest calls it once, before all files. */
export function setup(): void {
  process.stdout.write(electronBinary ? `Electron binary: ${electronBinary}\n` : 'Electron binary not present: its own IPC and window were not tested\n');
}
