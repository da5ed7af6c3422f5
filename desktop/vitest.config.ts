import { defineConfig } from 'vitest/config';

/**
 * After this time a test counts as hanging, ms. It is no measure of speed: a busy machine takes
 * minutes for what takes seconds on a quiet one.
 */
const hangs = 180_000;

// unit runs in Node alone; e2e starts a real venue and headless Chromium, as screenshots and bench do.
// Their files share workers, so that each module is loaded once for each worker.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'test/unit/**/*.test.ts'], environment: 'node', isolate: false, testTimeout: hangs } },
      { test: { name: 'screenshots', include: ['test/screenshots.ts'], environment: 'node' } },
      { test: { name: 'bench', include: ['test/bench/**/*.test.ts'], environment: 'node', testTimeout: hangs, hookTimeout: hangs } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/harness/electronBinary.ts'],
          setupFiles: ['test/harness/guard.ts'],
          // Two files at a time, each worker with one browser, because tests often wait.
          isolate: false,
          maxWorkers: 2,
          testTimeout: hangs,
          hookTimeout: hangs,
          expect: { poll: { timeout: 120_000 } },
        },
      },
    ],
  },
});
