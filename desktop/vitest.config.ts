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
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
    ],
  },
});
