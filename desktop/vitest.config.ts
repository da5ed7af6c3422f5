import { defineConfig } from 'vitest/config';

/**
 * After this time a test counts as hanging, ms. It is no measure of speed: a busy machine takes
 * minutes for what takes seconds on a quiet one.
 */
const hangs = 180_000;

// unit runs in Node alone; e2e starts a real venue and headless Chromium, as screenshots and bench do.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'test/unit/**/*.test.ts'], environment: 'node', testTimeout: hangs } },
      { test: { name: 'screenshots', include: ['test/screenshots.ts'], environment: 'node' } },
      { test: { name: 'bench', include: ['test/bench/**/*.test.ts'], environment: 'node', testTimeout: hangs, hookTimeout: hangs } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/harness/electronBinary.ts'],
          setupFiles: ['test/harness/guard.ts'],
          fileParallelism: false,
          testTimeout: hangs,
          hookTimeout: hangs,
          expect: { poll: { timeout: 30_000 } },
        },
      },
    ],
  },
});
