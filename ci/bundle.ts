/** How programs of the compiler are bundled: the CLI, and what checks for an editor. */
import type { BuildOptions } from "esbuild";

/** Packages with native code, and those that the compiler uses as programs or whose files it reads, stay outside. */
export const bundleOptions = {
  bundle: true,
  platform: "node",
  format: "esm",
  target: "node20",
  sourcemap: true,
  external: ["ts-morph", "llvm-bindings", "esbuild", "typescript", "tsx"],
  logLevel: "warning",
  // Trees and types are many objects that live long: with room for young ones, they are not copied about (megabytes).
  // CommonJS packages in the bundle ask for node's own modules through `require`.
  banner: {
    js: '#!/usr/bin/env -S node --max-semi-space-size=32\nimport { createRequire as bundleRequire } from "node:module";\nconst require = bundleRequire(import.meta.url);',
  },
} as const satisfies BuildOptions;
