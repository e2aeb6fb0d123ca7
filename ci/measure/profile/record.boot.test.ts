/** The profile of an exit, against what the guest has measured. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import test from "ava";
import { composeImage } from "../../../compiler/build.ts";
import { linkEfi } from "../../../compiler/link/efi.ts";
import { repositoryRoot } from "../../../compiler/root.ts";
import { recordProfiles } from "./record.ts";

/**
 * Beside the hypervisor, the counter counts of the guest: RDTSC, two moves, not the second RDTSC. CPUID itself is logged
 * and not counted: the emulator takes back what an intercepted instruction was counted for.
 */
const guestsOwn = 3;

test("a profile of CPUID lists all that the figure counts, from #VMEXIT to VMRUN, with its lines", async (t) => {
  const [profile] = await recordProfiles(["exit.cpuid"]);
  t.is(profile.operation, "exit.cpuid");
  t.is(profile.exits.length, 1);
  t.is(profile.hypervisor, profile.figure - guestsOwn);
  t.is(profile.guest, guestsOwn + 1);
  t.is(profile.ticks, profile.figure);
  const [exit] = profile.exits;
  t.is(exit.length, profile.hypervisor);
  t.is(
    profile.functions.reduce((sum, { instructions }) => sum + instructions, 0),
    profile.hypervisor,
  );
  t.is(exit[0].text.split(" ")[0], "vmsave");
  t.is(exit.at(-1)!.text, "vmrun");
  t.is(exit.filter(({ text }) => text.startsWith("vmrun")).length, 1);
  for (const { text, frames } of exit) {
    t.not(text, "");
    const [{ file, line }] = frames;
    const lines = readFileSync(join(repositoryRoot, file), "utf8").split("\n");
    t.true(line <= lines.length, `${file} has no line ${line}`);
  }
  t.true(profile.functions.some(({ file }) => file === "platforms/x86_64/svm/cpuid.ts"));
});

test("the profiled code is that of an image without lines, byte for byte", (t) => {
  const { module } = composeImage(join(repositoryRoot, "ci/boot/images/bare-guest.ts"), false);
  const input = { module, entry: "efi_main", hot: [...(module.hot ?? [])] };
  t.true(Buffer.from(linkEfi({ ...input, lines: true }).efi).equals(linkEfi(input).efi));
});
