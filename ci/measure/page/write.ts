/** Writes the page of a run: one file with its script, its style and its data, which needs no network. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { build } from "esbuild";
import type { PageData } from "./data.ts";

const clientFolder = join(import.meta.dirname, "client");

/** Nothing is fetched, from nowhere. */
const policy = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:";

const style = `
:root { color-scheme: light dark; }
body { margin: 0 auto; max-width: 80rem; padding: 1rem; font: 1rem/1.5 system-ui, sans-serif; color: light-dark(#222, #ddd); }
h1 { font-size: 1.2rem; }
h2 { font-size: 1rem; margin: 0 0 0.5rem; overflow-wrap: anywhere; }
h2 small { display: block; font-weight: normal; opacity: 0.75; }
p { margin: 0.25rem 0; font-size: 0.875rem; overflow-wrap: anywhere; }
.grid { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fill, minmax(min(20rem, 100%), 1fr)); }
article { border: 1px solid rgb(128 128 128 / 0.35); border-radius: 0.5rem; padding: 0.75rem; min-width: 0; }
.bars, .history, .curve { position: relative; }
.bars { height: calc(3rem + 1.5rem * var(--count)); }
.history { height: 7rem; margin-top: 0.5rem; }
.curve { height: 14rem; }
`;

/** Writes the page to a file. */
export async function writePage(data: PageData, file: string): Promise<void> {
  const bundled = await build({
    entryPoints: [join(clientFolder, "main.ts")],
    bundle: true,
    minify: true,
    platform: "browser",
    format: "iife",
    target: "es2022",
    write: false,
    logLevel: "silent",
    tsconfig: join(clientFolder, "tsconfig.json"),
  });
  const script = bundled.outputFiles[0].text.replaceAll("</script", "<\\/script");
  const json = JSON.stringify(data).replaceAll("<", "\\u003c");
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(
    file,
    `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<title>Typevisor: the benchmark</title>
<style>${style}</style>
</head>
<body>
<h1>Typevisor against KVM, Xen and the bare machine</h1>
<p>Commit <span id="commit"></span>, on one emulated machine. Less is better everywhere. Lines show Typevisor across commits.</p>
<ul id="broken"></ul>
<main></main>
<script type="application/json" id="data">${json}</script>
<script>${script}</script>
</body>
</html>
`,
  );
}
