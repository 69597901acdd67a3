// Bundles the islands and the style sheet into the folder named on the command line: one file per
// entry with a hash in its name (so it may be cached for ever), and its Brotli twin.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { brotliCompressSync, constants } from "node:zlib";
import { build } from "esbuild";

const out = process.argv[2];
mkdirSync(out, { recursive: true });

const result = await build({
  entryPoints: ["src/desk.ts", "src/chart.ts", "src/style.css"],
  bundle: true,
  minify: true,
  format: "esm",
  target: ["chrome109", "firefox115", "safari16"],
  entryNames: "[name]-[hash]",
  outdir: out,
  write: false,
  legalComments: "eof",
  logLevel: "error",
});

for (const file of result.outputFiles) {
  const path = join(out, basename(file.path));
  writeFileSync(path, file.contents);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } };
  writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path), quality));
}
