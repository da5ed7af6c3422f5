import { defineConfig } from 'vitest/config';

// unit runs in Node alone; e2e starts a real venue and headless Chromium, as screenshots does.
export default defineConfig({
  root: import.meta.dirname,
  test: {
    projects: [
      { test: { name: 'unit', include: ['src/**/*.test.ts', 'src/**/*.test.tsx', 'test/unit/**/*.test.ts'], environment: 'node' } },
      { test: { name: 'screenshots', include: ['test/screenshots.ts'], environment: 'node' } },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          environment: 'node',
          globalSetup: ['test/harness/electronBinary.ts'],
          setupFiles: ['test/harness/guard.ts'],
          fileParallelism: false,
          // They end what hangs, and say nothing about how fast anything is: a test that has to
          // be quick measures that itself. A machine with many at work takes minutes for seconds.
          testTimeout: 180_000,
          hookTimeout: 180_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
    ],
  },
});
