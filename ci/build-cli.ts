/** Bundles the CLI into `out/cli/typevisor.mjs`, which `npx typevisor` starts. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { repositoryRoot } from "../compiler/root.ts";

// Packages with native code, and those that the compiler uses as programs or whose files it reads, stay outside.
const external = ["ts-morph", "llvm-bindings", "esbuild", "typescript", "tsx"];

const outfile = join(repositoryRoot, "out/cli/typevisor.mjs");
await build({
  entryPoints: [join(repositoryRoot, "compiler/cli/typevisor.ts")],
  outfile,
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: true,
  external,
  logLevel: "warning",
  // CommonJS packages in the bundle ask for node's own modules through `require`.
  banner: {
    js: '#!/usr/bin/env node\nimport { createRequire as bundleRequire } from "node:module";\nconst require = bundleRequire(import.meta.url);',
  },
});
chmodSync(outfile, 0o755);
