import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import test from "ava";
import type { Manifest } from "../../dsl/image.ts";
import { DiagnosticError, type Diagnostic } from "../diagnostics/diagnostic.ts";
import { positionAt, type Span } from "../diagnostics/span.ts";
import { runFrontEnd } from "../front-end.ts";
import { multibootKernel, pvhKernel } from "../../dsl/payload/testing/elf-file.ts";
import { checkPayloads } from "./payload-check.ts";

const images = join(dirname(fileURLToPath(import.meta.url)), "testdata/images");

/** Says what is said of an image when its kernel holds certain bytes, or is not there. */
function checker(image: string, name: string): (kernel: Uint8Array | undefined) => readonly Diagnostic[] {
  const file = join(images, image);
  const frontEnd = runFrontEnd(file);
  const manifest = frontEnd.root["default"] as Manifest;
  return (kernel) => {
    const folder = mkdtempSync(join(tmpdir(), "typevisor-payloads-"));
    try {
      if (kernel !== undefined) writeFileSync(join(folder, name), kernel);
      const search = { imageFolder: folder, cacheFolder: folder };
      frontEnd.realm.run(file, () => checkPayloads(manifest, search));
      return [];
    } catch (error) {
      if (error instanceof DiagnosticError) return error.diagnostics;
      throw error;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  };
}

const diagnosticsWith = checker("payloads.ts", "vmlinuz-of-the-test");
const executableDiagnosticsWith = checker("executables.ts", "vmlinux-of-the-test");

const line = (span: Span | undefined): string => {
  if (span === undefined) return "nowhere";
  return span.source.text.split("\n")[positionAt(span.source, span.start).line - 1]!.trim();
};

test("a payload that is missing is shown where it is declared", (t) => {
  const [said] = diagnosticsWith(undefined);
  t.is(said?.code, "TV6101");
  t.is(line(said?.span), 'const kernel = payload("vmlinuz-of-the-test");');
});

test("a payload that is no kernel is shown where it is declared", (t) => {
  const [said] = diagnosticsWith(Buffer.alloc(4096));
  t.is(said?.code, "TV6104");
  t.is(line(said?.span), 'const kernel = payload("vmlinuz-of-the-test");');
});

test("a kernel without room in its guest's memory is shown with the guest", (t) => {
  const kernel = Buffer.alloc(8192);
  kernel.writeUInt16LE(0xaa55, 0x1fe);
  kernel.write("HdrS", 0x202, "latin1");
  kernel.writeUInt8(0x6a, 0x201);
  kernel.writeUInt16LE(0x20f, 0x206);
  kernel.writeUInt32LE(1, 0x1f4);
  kernel.writeUInt8(1, 0x211);
  kernel.writeUInt8(1, 0x234);
  kernel.writeUInt32LE(2047, 0x238);
  kernel.writeUInt32LE(64 * 2 ** 20, 0x260);
  const [said] = diagnosticsWith(kernel);
  t.is(said?.code, "TV6107");
  t.is(said.related.length, 1);
  t.true(line(said.related[0]?.span).startsWith("guests: [guest("));
});

test("a kernel that cannot be loaded as its headers say is shown where it is declared, with its guest", (t) => {
  const cases = [
    ["TV6103", pvhKernel().subarray(0, 40)],
    ["TV6109", Buffer.alloc(4096)],
    ["TV6110", multibootKernel()],
    ["TV6113", pvhKernel(8 << 20)],
  ] as const;
  for (const [code, kernel] of cases) {
    const [said] = executableDiagnosticsWith(kernel);
    t.is(said?.code, code);
    t.is(line(said?.span), 'const kernel = payload("vmlinux-of-the-test");');
    t.true(line(said?.related[0]?.span).startsWith("guests: [guest("));
  }
  t.deepEqual(executableDiagnosticsWith(pvhKernel()), []);
});
