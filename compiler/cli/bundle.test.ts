import { execFileSync, spawnSync } from "node:child_process";
import { join } from "node:path";
import test from "ava";
import packageDescription from "../../package.json" with { type: "json" };
import { repositoryRoot } from "../root.ts";

test("the bundled CLI starts by itself, from any folder, and ends with its exit codes", (t) => {
  execFileSync(process.execPath, ["--import=tsx", "ci/build-cli.ts"], { cwd: repositoryRoot });
  const cli = join(repositoryRoot, packageDescription.bin.typevisor);
  const run = (...args: readonly string[]) => spawnSync(cli, args, { cwd: "/", encoding: "utf8" });
  const version = run("--version");
  t.is(version.stdout, `${packageDescription.version}\n`);
  t.is(version.status, 0);
  t.is(run("check", "no-such-image.ts").status, 1);
  t.regex(run("--help").stdout, /build[^]*run[^]*check[^]*doctor/);
});
