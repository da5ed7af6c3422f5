// If Electron's binary is installed, the tests run in it too; otherwise the output says that
// they do not.
import { existsSync } from 'node:fs';
import path from 'node:path';

const given = process.env['ELECTRON'] ?? path.resolve(import.meta.dirname, '../../node_modules/electron/dist/electron');

/** The path of the binary; undefined if it is not installed. */
export const electronBinary = existsSync(given) ? given : undefined;

/** Vitest calls it once, before all files. */
export function setup(): void {
  process.stdout.write(electronBinary ? `Electron binary: ${electronBinary}\n` : 'Electron binary not present: its own IPC and window were not tested\n');
}
