/** `npm run bench -- --profile OPERATIONS`: what the hypervisor executes for operations of the guest. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { preparePayloadsOrExplain } from "../../payloads.ts";
import { showProgress } from "../../progress.mjs";
import { profileText } from "./text.ts";
import { recordProfiles } from "./record.ts";

/** Profiles operations by their full names, prints them, and writes them as JSON where a file is named. */
export async function profileOperations(
  operations: readonly string[],
  json: string | undefined,
): Promise<void> {
  await preparePayloadsOrExplain();
  const finish = showProgress(`profile: executing ${operations.join(", ")} instruction by instruction`);
  try {
    const profiles = await recordProfiles(operations);
    finish("done");
    process.stdout.write(profiles.map(profileText).join("\n"));
    if (json === undefined) return;
    mkdirSync(dirname(json), { recursive: true });
    writeFileSync(json, `${JSON.stringify(profiles, undefined, 2)}\n`);
  } catch (error) {
    finish("failed");
    process.stderr.write(`error: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
  }
}
