/** A guest that uses the hypervisor's interfaces, rightly and wrongly, and tells what it was answered. */
import { addressOf, load64, store64, text } from "../../../dsl/core/intrinsics.ts";
import { u32, u64 } from "../../../dsl/core/int.ts";
import { array, struct } from "../../../dsl/core/layout.ts";
import { storage } from "../../../dsl/core/storage.ts";
import { asm } from "../../asm.ts";
import { say } from "../console-text.ts";
import { readCr8, readMsr, readTsc, writeCr8, writeMsr } from "../instructions.ts";
import { sayStatus, sayValue } from "./answers.ts";
import { tryReadMsr, tryWriteMsr } from "./attempts.ts";
import {
  hasHypercalls,
  hypercall,
  hypercallFeatures,
  hypercallVersion,
  notifyAdministrator,
  tell,
  yieldProcessor,
} from "./hypercalls.ts";

const Page = struct("GuestPage", { words: array(u64, 512) }, { align: 4096 });
const page = storage("guestPage", Page, { align: 4096 });
/** Where no memory is. */
const nowhere = 0xd000_0000n;

const fast = 0x1_0000n;
const version = 0x5400n;
const console = 0x5402n;
const notify = 0x5404n;

/** Typevisor's own hypercalls, and what a table answers to nonsense. */
export function tryHypercalls(): void {
  if (!hasHypercalls()) {
    say("there are no hypercalls\n");
    return;
  }
  const at = addressOf(page);
  sayValue("version", BigInt(hypercallVersion()));
  sayValue("features", hypercallFeatures());
  tell(text("a line through the console call\n"));
  yieldProcessor();
  notifyAdministrator(0x77, 0x1234_5678n);

  store64(at, ~0n & 0xffff_ffff_ffff_ffffn);
  sayStatus("version-by-memory", hypercall(version, 0n, at));
  sayValue("version-by-memory", load64(at));
  store64(u64(at + 64n), 0x99n);
  store64(u64(at + 72n), 0xabcdn);
  sayStatus("notify-by-memory", hypercall(notify, u64(at + 64n), 0n));
  sayStatus("unlisted", hypercall(0x1234n, 0n, 0n));
  sayStatus("reserved-bits", hypercall(fast | version | (1n << 27n), 0n, 0n));
  sayStatus("repeated", hypercall(version | (1n << 32n), 0n, at));
  sayStatus("with-variable-header", hypercall(version | (1n << 17n), 0n, at));
  sayStatus("input-misaligned", hypercall(notify, u64(at + 4n), 0n));
  sayStatus("input-across-pages", hypercall(notify, u64(at + 4088n), 0n));
  sayStatus("input-nowhere", hypercall(notify, nowhere, 0n));
  sayStatus("input-beyond", hypercall(notify, 0xffff_ffff_ffff_fff0n, 0n));
  sayStatus("output-misaligned", hypercall(version, 0n, u64(at + 1n)));
  sayStatus("output-nowhere", hypercall(version, 0n, nowhere));
  sayStatus("bad-parameter", hypercall(fast | console, 16n, 0n));
  say("hypercalls tried\n");
}

const guestOsId = 0x4000_0000;
const hypercallMsr = 0x4000_0001;
const vpIndex = 0x4000_0002;
const timeRefCount = 0x4000_0020;
const referenceTsc = 0x4000_0021;
const tscFrequency = 0x4000_0022;
const apicFrequency = 0x4000_0023;
const eoi = 0x4000_0070;
const tpr = 0x4000_0072;
const assistPage = 0x4000_0073;
const idle = 0x4000_00f0;
const crash = 0x4000_0100;
const crashControl = 0x4000_0105;
const notifyLongSpinWait = 0x0008n;

/** Calls what lies in the page: `(page, control)`. */
const throughPage = asm({
  template: "callq *%rsi",
  constraints: "={rax},{rsi},{rcx},{rdx},{r8},~{rcx},~{rdx},~{r8},~{memory}",
  params: [u64, u64, u64, u64],
  result: u64,
});

/** `(value * scale) >> 64`, as the reference page has it. */
function scaled(value: u64, scale: u64): u64 {
  return u64((value * scale) >> 64n);
}

/** Viridian: the pages come and go, the registers answer, and nonsense gets #GP (13 + 1). */
export function tryViridian(): void {
  const at = addressOf(page);
  store64(at, 0x1122_3344n);
  sayStatus("page-before-name", tryWriteMsr(hypercallMsr, at | 1n));
  sayValue("page-before-name", readMsr(hypercallMsr) & 1n);
  writeMsr(guestOsId, 0x8100_0000_0000_0000n);
  writeMsr(hypercallMsr, at | 1n);
  sayValue("hypercall-page", load64(at) & 0xffff_ffffn);
  sayStatus("through-page", throughPage(at, notifyLongSpinWait | fast, 4095n, 0n));
  writeMsr(hypercallMsr, 0n);
  sayValue("memory-below", load64(at));
  sayStatus("page-nowhere", tryWriteMsr(hypercallMsr, nowhere | 1n));
  sayStatus("page-at-the-end", tryWriteMsr(assistPage, 0xffff_ffff_ffff_f001n));

  sayValue("vp-index", readMsr(vpIndex));
  sayStatus("write-vp-index", tryWriteMsr(vpIndex, 0n));
  sayStatus("read-eoi", tryReadMsr(eoi));
  sayStatus("unlisted-msr", tryReadMsr(0x4000_00b0));
  sayValue("apic-frequency", readMsr(apicFrequency));

  // A page of the hypervisor's, over the same memory again, and its memory's own content below.
  writeMsr(referenceTsc, at | 1n);
  const scale = load64(u64(at + 8n));
  const first = readMsr(timeRefCount);
  const between = scaled(readTsc(), scale);
  const last = readMsr(timeRefCount);
  sayStatus("reference-time-agrees", first <= between && between <= last ? 0n : 1n);
  const frequency = readMsr(tscFrequency);
  // A second has ten million units, or one less by rounding.
  const second = scaled(frequency, scale);
  sayStatus("reference-time-rate", second === 10_000_000n || second === 9_999_999n ? 0n : 1n);
  writeMsr(referenceTsc, 0n);
  sayValue("memory-below-again", load64(at));

  writeMsr(tpr, 0x50n);
  sayValue("cr8", readCr8());
  writeCr8(3n);
  sayValue("tpr", readMsr(tpr));
  writeCr8(0n);
  sayStatus("tpr-too-high", tryWriteMsr(tpr, 0x100n));
  writeMsr(eoi, 0n);

  writeMsr(assistPage, at | 1n);
  store64(at, 0x55n);
  writeMsr(assistPage, 0n);
  sayValue("memory-below-assist", load64(at));
  writeMsr(assistPage, at | 1n);
  sayValue("assist-page-kept", load64(at));
  writeMsr(assistPage, 0n);

  // Interrupts are off: the processor goes on.
  sayValue("idle", readMsr(idle));
  for (let i = 0; i < 5; i++) writeMsr(u32(crash + i), BigInt(0xc0 + i));
  writeMsr(crashControl, 1n << 63n);
  writeMsr(guestOsId, 0n);
  say("viridian tried\n");
}
