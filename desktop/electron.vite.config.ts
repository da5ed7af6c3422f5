// Builds the desktop application, main, preload and renderer, into out/. Main and preload are
// CommonJS: a sandboxed preload requires it, and main then runs in Node's usual order.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'electron-vite';

export default defineConfig({
  main: {
    build: {
      outDir: 'out/main',
      minify: true,
      // One file, so that no package has to be shipped beside it.
      externalizeDeps: false,
      rollupOptions: { input: 'src/main/index.ts', output: { format: 'cjs', entryFileNames: 'index.cjs' } },
    },
  },
  preload: {
    build: {
      outDir: 'out/preload',
      rollupOptions: { input: 'src/preload/index.ts', output: { format: 'cjs', entryFileNames: 'index.cjs' } },
    },
  },
  renderer: {
    root: 'src/renderer',
    base: './',
    plugins: [react()],
    build: {
      outDir: 'out/renderer',
      cssCodeSplit: false, // As in vite.config.ts.
      minify: true,
      assetsInlineLimit: 0,
      rollupOptions: { input: 'src/renderer/index.html' },
    },
  },
});
