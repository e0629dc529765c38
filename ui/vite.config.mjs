import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import {
  developmentHeaders,
  ocamlAsFile,
  previewHeaders,
  siteFiles,
} from './scripts/site-files.mjs';

/** zod's annotations are written for another bundler: they are left out, which changes nothing. */
function quiet(warning, warn) {
  if (warning.code !== 'INVALID_ANNOTATION') warn(warning);
}

export default defineConfig({
  // from any folder of any host
  base: './',
  server: { headers: developmentHeaders },
  // else those of the development server
  preview: { headers: {} },
  plugins: [siteFiles(), previewHeaders()],
  resolve: {
    // o1js's browser build, also for the packages that are built for Node
    conditions: ['browser', 'module', 'import', 'default'],
  },
  worker: { format: 'es', plugins: () => [ocamlAsFile()], rollupOptions: { onwarn: quiet } },
  optimizeDeps: {
    exclude: ['o1js'],
    // found by the worker only, when the page is long there: it would load itself again
    include: ['@huggingface/tokenizers', 'comlink', 'idb-keyval', 'tldts-icann', 'zod'],
  },
  build: {
    target: 'es2022',
    outDir: fileURLToPath(new URL('site', import.meta.url)),
    emptyOutDir: true,
    // o1js is one file of 16 MB, loaded by the worker
    chunkSizeWarningLimit: 20_000,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    rollupOptions: { onwarn: quiet },
  },
});
