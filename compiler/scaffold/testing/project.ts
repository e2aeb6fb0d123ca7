/** A temporary project outside the repository, in which tests start devices and images and run their tests. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageDescription from "../../../package.json" with { type: "json" };
import { repositoryRoot } from "../../root.ts";

/** A project with the repository's packages and settings, and nothing in it; removed at the end of the test. */
export function temporaryProject(t: { teardown(fn: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), "typevisor-project-"));
  t.teardown(() => rmSync(folder, { recursive: true }));
  const { type, ava } = packageDescription;
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "project", type, ava }));
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: join(repositoryRoot, "tsconfig.json"),
      include: ["devices", "images"],
      exclude: [],
    }),
  );
  symlinkSync(join(repositoryRoot, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** Runs a program of the project's packages in it, and gives what it printed and its exit status. */
export function runIn(
  project: string,
  script: string,
  args: readonly string[],
): Promise<{ readonly status: number | null; readonly output: string }> {
  const program = join(project, "node_modules", script);
  const child = spawn(process.execPath, [program, ...args], { cwd: project });
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => void (output += text));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (status) => resolve({ status, output }));
  });
}

/** The paths of the programs that tests run. */
export const programs = Object.freeze({
  ava: "ava/entrypoints/cli.mjs",
  tsc: "typescript/bin/tsc",
  prettier: "prettier/bin/prettier.cjs",
});
