// Everything that builds, tests or packages the screens comes from a lock file with checksums.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const read = async <T>(file: string): Promise<T> => JSON.parse(await readFile(path.join(root, file), 'utf8')) as T;

interface Manifest {
  scripts?: Record<string, string>;
  dependencies?: Record<string, string>;
  devDependencies?: Record<string, string>;
}

interface Lock {
  packages: Record<string, { version?: string; integrity?: string }>;
}

test.each(['desktop', 'tools/electron-builder'])('%s names exact versions, and its lock file has a checksum of every package', async (folder) => {
  const { dependencies, devDependencies } = await read<Manifest>(`${folder}/package.json`);
  const { packages } = await read<Lock>(`${folder}/package-lock.json`);
  const named = Object.entries({ ...dependencies, ...devDependencies });
  expect(named.filter(([name, version]) => packages[`node_modules/${name}`]?.version !== version)).toEqual([]);
  expect(Object.entries(packages).filter(([name, { integrity }]) => name !== '' && !integrity?.startsWith('sha512-'))).toEqual([]);
});

test('no script runs a program that npm downloads without a lock file', async () => {
  const { scripts } = await read<Manifest>('desktop/package.json');
  expect(Object.entries(scripts ?? {}).filter(([, script]) => /\bnpx\b|\bnpm (x|exec|install|i)\b/.test(script))).toEqual([]);
  expect(scripts?.['dist']).toContain('npm --prefix ../tools/electron-builder ci');
});
