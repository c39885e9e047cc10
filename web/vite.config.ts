// Builds the dashboard into dist/, which `cargo build` takes into the program. Nothing is inlined into
// the page: its security policy allows scripts and styles from files only.
import { rmSync } from "node:fs";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  base: "/dashboard/",
  plugins: [
    react(),
    {
      // dist/ keeps its .gitignore, by which cargo knows the folder before there is anything in it.
      name: "fresh-assets",
      apply: "build",
      buildStart: () => rmSync(new URL("dist/assets", import.meta.url), { recursive: true, force: true }),
    },
  ],
  build: { emptyOutDir: false, assetsInlineLimit: 0, modulePreload: { polyfill: false }, target: "es2022" },
  server: {
    proxy: {
      "/xrpc": "http://127.0.0.1:5000",
      "/api": "http://127.0.0.1:5000",
    },
  },
});
