/** How long `typevisor build` takes in a new process, and what the image that it leaves weighs. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { performance } from "node:perf_hooks";
import type { BuildReport } from "../../compiler/image/report.ts";
import { repositoryRoot } from "../../compiler/root.ts";
import type { Measurement } from "./figure.ts";

/** Measures the build of one image. */
export function buildTime(image: string): Measurement {
  const name = basename(image, ".ts");
  return {
    name: `build.${name}`,
    what: `building ${image} in a new process`,
    measure: () => {
      const out = mkdtempSync(join(tmpdir(), "typevisor-bench-"));
      try {
        const seconds = timedBuild(image, out);
        const report = JSON.parse(readFileSync(join(out, name, "report.json"), "utf8")) as BuildReport;
        return Promise.resolve([
          { name: `build.${name}.seconds`, value: seconds, unit: "s" },
          { name: `image.${name}.hypervisor`, value: report.hypervisorBytes, unit: "B" },
          { name: `image.${name}.payload`, value: report.payloadBytes, unit: "B" },
        ]);
      } finally {
        rmSync(out, { recursive: true, force: true });
      }
    },
  };
}

function timedBuild(image: string, out: string): number {
  const start = performance.now();
  const args = ["out/cli/typevisor.mjs", "build", image, "--out", out];
  const run = spawnSync(process.execPath, args, { cwd: repositoryRoot, encoding: "utf8" });
  if (run.status !== 0) throw new Error(`typevisor build ${image} ended with ${run.status}:\n${run.stderr}`);
  return (performance.now() - start) / 1000;
}
