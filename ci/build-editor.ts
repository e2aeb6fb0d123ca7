/** Bundles the editor's plugin into `out/editor/`, where `typescript.tsserver.pluginPaths` finds it. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { repositoryRoot } from "../compiler/root.ts";
import { bundleOptions } from "./bundle.ts";

/** Writes the plugin and the process that checks for it. */
export async function buildEditor(): Promise<string> {
  const folder = join(repositoryRoot, "out/editor");
  const plugin = join(folder, "node_modules/typevisor-editor");
  mkdirSync(plugin, { recursive: true });
  writeFileSync(join(plugin, "package.json"), JSON.stringify({ name: "typevisor-editor", main: "index.js" }));
  await build({
    entryPoints: [join(repositoryRoot, "compiler/editor/plugin.ts")],
    outfile: join(plugin, "index.js"),
    bundle: true,
    platform: "node",
    // tsserver loads plugins with `require`, and calls what they export.
    format: "cjs",
    target: "node20",
    footer: { js: "module.exports = module.exports.init;" },
  });
  await build({
    ...bundleOptions,
    external: [...bundleOptions.external],
    entryPoints: [join(repositoryRoot, "compiler/editor/checker.ts")],
    outfile: join(folder, "checker.mjs"),
  });
  return folder;
}

if (process.argv[1] === import.meta.filename) await buildEditor();
