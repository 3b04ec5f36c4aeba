import { resolve } from 'node:path'
import tailwindcss from '@tailwindcss/vite'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'electron-vite'

const root = resolve(import.meta.dirname, '..')

export default defineConfig({
  main: {
    build: {
      // Small modules in one file load several times faster; native modules and what finds its own files stay apart.
      externalizeDeps: {
        exclude: [
          '@huggingface/jinja',
          '@huggingface/tokenizers',
          'fzstd',
          'hyparquet',
          'hyparquet-compressors',
          'hyparquet-writer',
          'xxhash-wasm',
          'zod',
        ],
      },
      outDir: resolve(root, 'out/main'),
      lib: {
        entry: {
          index: resolve(root, 'main/index.ts'),
          'dataset-engine': resolve(root, 'main/features/datasets/engine/host/engine-host.ts'),
          'dataset-worker': resolve(root, 'main/features/datasets/engine/pass/pass.worker.ts'),
          'dataset-cli': resolve(root, 'main/features/datasets/engine/cli.ts'),
        },
        formats: ['es'],
      },
      rollupOptions: { output: { entryFileNames: '[name].js', chunkFileNames: 'chunks/[name]-[hash].js' } },
      sourcemap: true,
    },
  },
  preload: {
    build: {
      outDir: resolve(root, 'out/preload'),
      lib: { entry: { index: resolve(root, 'preload/index.ts') }, formats: ['cjs'] },
      // A sandboxed preload is one CommonJS file; the package itself is ESM.
      rollupOptions: { output: { entryFileNames: '[name].cjs' } },
      sourcemap: true,
    },
  },
  renderer: {
    root: resolve(root, 'renderer'),
    // Relative to the app:// origin; never a file:// page.
    base: '/',
    plugins: [react(), tailwindcss()],
    build: {
      outDir: resolve(root, 'out/renderer'),
      emptyOutDir: true,
      rollupOptions: { input: resolve(root, 'renderer/index.html') },
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
  },
})
