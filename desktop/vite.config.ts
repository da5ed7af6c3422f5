// The web build: the renderer as todoku serves it from its own binary.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  root: 'src/renderer',
  base: '/',
  plugins: [react()],
  build: {
    outDir: '../../../web/dist',
    // One style sheet: a part whose script is tried again would not get its own style sheet again.
    cssCodeSplit: false,
    emptyOutDir: true,
    target: 'es2023',
    // The content security policy forbids data: URLs, and additional requests cost nothing on HTTP/2.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    // For npm run dev:web beside `make run`: the page comes from Vite, everything else from the venue.
    proxy: { '/todoku.v1.': { target: 'http://127.0.0.1:8080', changeOrigin: true } },
  },
});
