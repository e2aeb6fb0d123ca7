import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "ava";
import { buildImage } from "./build.ts";
import { repositoryRoot } from "./root.ts";

const image = join(repositoryRoot, "images/minimal-linux.ts");
const folder = mkdtempSync(join(tmpdir(), "typevisor-"));
const build = (out: string) => buildImage({ image, out: join(folder, out), debug: false });
const first = build("first");

test.after.always(() => {
  rmSync(folder, { recursive: true, force: true });
});

test("two builds of one image give the same bytes and tell the same of them", async (t) => {
  const [one, other] = [await first, await build("second")];
  t.true(readFileSync(one.efi!).equals(readFileSync(other.efi!)), "the UEFI applications differ");
  t.true(readFileSync(one.img!).equals(readFileSync(other.img!)), "the disk images differ");
  t.deepEqual(one.report, other.report);
});

test("the ledger accounts for every byte of the hypervisor, by file and by feature", async (t) => {
  const { report, efi } = await first;
  const sum = (part: Readonly<Record<string, number>>): number =>
    Object.values(part).reduce((a, b) => a + b, 0);
  t.is(sum(report!.ledger.byFile), report!.hypervisorBytes);
  t.is(sum(report!.ledger.byFeature), report!.hypervisorBytes);
  for (const [file, bytes] of Object.entries(report!.ledger.byFile)) t.true(bytes > 0, file);
  // What is sealed inside is the file's larger part, and none of it is the hypervisor's.
  t.true(report!.payloadBytes > 1 << 20);
  t.true(readFileSync(efi!).length >= report!.hypervisorBytes + report!.payloadBytes);
  t.true(report!.hypervisorBytes < 1 << 20);
});

test("the shortest and the longest path are told of every kind of exit, and the longest of all is one of them", async (t) => {
  const { report } = await first;
  const { exitPath, longestExitPath } = report!;
  for (const kind of [
    "cpuid",
    "rdmsr",
    "wrmsr",
    "port-in",
    "port-out",
    "nested-page-fault",
    "hlt",
    "interrupt",
  ])
    t.true(
      exitPath[kind]!.path.some((symbol) => /exits/.test(symbol)),
      kind,
    );
  const lengths = Object.values(exitPath).map(({ instructions }) => instructions as number);
  t.is(longestExitPath.instructions, Math.max(...lengths));
  for (const [kind, { least, instructions }] of Object.entries(exitPath))
    t.true(least > 60 && least < (instructions as number), `${kind}: ${least} to ${instructions}`);
  t.true((exitPath["interrupt"]!.instructions as number) < (exitPath["cpuid"]!.instructions as number));
});
