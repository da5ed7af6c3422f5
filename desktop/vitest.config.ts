import { defineConfig } from 'vitest/config';

/**
 * After this a test is held to hang, ms. It says nothing about how fast anything is: a test of
 * that measures it. A machine with many at work takes minutes for what alone takes seconds.
 */
const hangs = 180_000;

// unit runs in Node alone; e2e starts a real venue and headless Chromium, as screenshots does.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'test/unit/**/*.test.ts'], environment: 'node', testTimeout: hangs } },
      { test: { name: 'screenshots', include: ['test/screenshots.ts'], environment: 'node' } },
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
