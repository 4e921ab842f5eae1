import { existsSync, readFileSync, readdirSync } from "node:fs";
import { defineConfig, type Plugin } from "vite";

// GraphiQL's style sheet carries two fonts as data URLs, two thirds of its size. The page does with the system's fonts,
// and its content security policy allows no data URL but images.
const withoutEmbeddedFonts: Plugin = {
  name: "without-embedded-fonts",
  enforce: "pre",
  transform(code, id) {
    return /graphiql[^/]*\.css/.test(id) ? code.replaceAll(/@font-face\s*\{[^}]*\}/g, "") : undefined;
  },
};

// What is bundled is given away with it: every package's licence goes along.
const licences: Plugin = {
  name: "licences",
  generateBundle(_options, bundle) {
    const folders = new Set<string>();
    for (const chunk of Object.values(bundle)) {
      for (const id of chunk.type === "chunk" ? chunk.moduleIds : []) {
        const folder = /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1];
        if (folder && existsSync(`${folder}/package.json`)) folders.add(folder);
      }
    }
    const texts = [...folders].map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
      const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
      return `${name} ${version} (${license})\n\n${file ? readFileSync(`${folder}/${file}`, "utf8").replaceAll("\r\n", "\n").trim() : ""}\n`;
    });
    this.emitFile({ type: "asset", fileName: "licences.txt", source: texts.sort().join(`\n${"-".repeat(80)}\n\n`) });
  },
};

export default defineConfig({
  plugins: [withoutEmbeddedFonts, licences],
  build: {
    outDir: "../graphql/jifen_graphql/web",
    emptyOutDir: true,
    target: "es2022",
    modulePreload: false,
    assetsInlineLimit: 0,
    reportCompressedSize: true,
    chunkSizeWarningLimit: 1200,
    rollupOptions: {
      input: ["index.html", "playground.html"],
      // "use client" marks modules for React's server components, which a page of files has none of
      onwarn: (warning, warn) => (warning.code === "MODULE_LEVEL_DIRECTIVE" ? undefined : warn(warning)),
    },
  },
  server: {
    // `npm run dev` shows the pages of this directory on the data of a validator of `make demo`.
    proxy: { "/graphql": { target: "http://127.0.0.1:8080", ws: true, changeOrigin: true } },
  },
});
