/** `npm start`: builds the default appliance and boots it in QEMU, the guest's console on the terminal. */
import { spawnSync } from "node:child_process";
import { repositoryRoot } from "../compiler/root.ts";
import { preparePayloadsOrExplain } from "./payloads.ts";

const defaultImage = "images/hello-linux.ts";

await preparePayloadsOrExplain();
await import("./build-cli.ts");
const { status, signal } = spawnSync(
  process.execPath,
  ["out/cli/typevisor.mjs", "run", defaultImage, ...process.argv.slice(2)],
  { cwd: repositoryRoot, stdio: "inherit" },
);
process.exitCode = status ?? (signal === null ? 3 : 1);
