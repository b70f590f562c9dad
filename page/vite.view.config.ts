import { defineConfig } from "vite";

// The widget of notebooks, one module beside the page.
export default defineConfig({
  publicDir: false,
  build: {
    outDir: "../src/surefit/play/page",
    emptyOutDir: false,
    lib: { entry: "src/view.ts", formats: ["es"], fileName: () => "view.js" },
  },
});
