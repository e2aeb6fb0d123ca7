/** Bundles the CLI into `out/cli/typevisor.mjs`, which `npx typevisor` starts. */
import { chmodSync } from "node:fs";
import { join } from "node:path";
import { build } from "esbuild";
import { repositoryRoot } from "../compiler/root.ts";
import { bundleOptions } from "./bundle.ts";

const outfile = join(repositoryRoot, "out/cli/typevisor.mjs");
await build({
  ...bundleOptions,
  external: [...bundleOptions.external],
  entryPoints: [join(repositoryRoot, "compiler/cli/typevisor.ts")],
  outfile,
});
chmodSync(outfile, 0o755);
