import { defineConfig } from "vite";

// Built into the package, from where the server sends it. Nothing is inlined: the page's policy is default-src 'self'.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/surefit/play/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
