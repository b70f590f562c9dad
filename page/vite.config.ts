import { defineConfig } from "vite";

// Built into the package, from where the server sends it. Nothing is inlined: the page's policy is default-src 'self'.
// One classic script, so that the page that `surefit play --export` writes also opens from a folder (file:).
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/surefit/play/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    cssCodeSplit: false, // else the style would be written by the script, which the policy forbids
    modulePreload: { polyfill: false },
    rollupOptions: { output: { format: "iife", inlineDynamicImports: true } },
  },
  plugins: [
    {
      name: "classic-script",
      enforce: "post",
      transformIndexHtml: (html) => html.replace('type="module" crossorigin', "defer").replace(/ crossorigin/g, ""),
    },
  ],
});
