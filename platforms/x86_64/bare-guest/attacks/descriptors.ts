/** Selectors, descriptors and gates that lie. */
import { addressOf, store64 } from "../../../../dsl/core/intrinsics.ts";
import { u64 } from "../../../../dsl/core/int.ts";
import { array, struct } from "../../../../dsl/core/layout.ts";
import { storage } from "../../../../dsl/core/storage.ts";
import { StopReason } from "../../../../kernel/domain.ts";
import { trying } from "../attempts.ts";
import { forgetFaults, setAnyGate } from "../faults.ts";
import { ud2 } from "../../instructions.ts";
import { gdtGpa, stackGpa } from "../place.ts";
import { attack, counted, ends, refused, type Attack } from "./attack.ts";

const vectorGp = 13;
const general = 14n;
/** Behind the table of the guest's start. */
const firstSelector = 0x28n;
const selectorCount = 0x1000 - 5;

const loadData = trying("movw %si, %ds");
function everySelector(): u64 {
  let refusals: u64 = 0n;
  for (let i = 0; i < selectorCount; i++)
    if (loadData(u64(firstSelector + 8n * BigInt(i)), 0n) === general) refusals = u64(refusals + 1n);
  return refusals;
}

/** A table of descriptors of our own: the guest's first two, and one that is tried. */
const table = storage("guestLyingTable", struct("GuestLyingTable", { words: array(u64, 8) }, { align: 16 }), {
  align: 16,
});
const pseudo = storage("guestLyingRegister", struct("GuestLyingRegister", { words: array(u64, 2) }));
const tried = 0x18n;

/** The table's register takes this one for the instruction, and the guest's again behind it. */
const withTable = (instructions: string): ((first: u64, second: u64) => u64) => {
  const site = trying(`lgdt (%rdx); ${instructions}`);
  const back = trying(`lgdt 0x${(gdtGpa + 0x80).toString(16)}`);
  return (first: u64, second: u64): u64 => {
    table.words[1] = 0x00af_9b00_0000_ffffn;
    table.words[2] = 0x00cf_9300_0000_ffffn;
    table.words[3] = first;
    table.words[4] = second;
    const at = addressOf(pseudo);
    store64(at, u64((addressOf(table) << 16n) | 0x3fn));
    store64(u64(at + 8n), u64(addressOf(table) >> 48n));
    const got = site(tried, at);
    back(0n, 0n);
    return got;
  };
};
const loadTask = withTable("ltr %si");
const loadLocal = withTable("lldt %si");
const farCall = withTable("pushq %rsi; pushq $$0; lcall *(%rsp)");
const loadSegment = withTable("movw %si, %es");
const loadStack = withTable("movw %si, %ss");

const returnGarbage = trying(
  "pushq $$0x7777; pushq $$0x7777; pushq $$0; pushq $$0x7778; pushq $$0x1234; iretq",
);
const soft = trying("int $$0x50");
const gate = 0x50;
const handler = u64(BigInt(stackGpa));

/** An interrupt through a gate of vector 0x50. */
const through = (address: u64, selector: u64, attributes: u64) => (): u64 => {
  setAnyGate(gate, address, selector, attributes);
  return soft(0n, 0n);
};

const stepped = trying("pushfq; orq $$0x100, (%rsp); popfq; cpuid; inb $$0x80, %al; rdmsr; nop");

export const descriptorAttacks: readonly Attack[] = [
  attack(
    "selectors-every",
    "loads every selector behind its table's end",
    counted(selectorCount, "times #GP"),
    everySelector,
  ),
  attack("task-busy", "loads the register of a task that is busy", refused(vectorGp), () =>
    loadTask(0x0000_8b00_0000_0067n, 0n),
  ),
  attack("task-data", "loads a data segment as a task", refused(vectorGp), () =>
    loadTask(0x00cf_9300_0000_ffffn, 0n),
  ),
  attack("local-table-data", "loads a data segment as a table of descriptors", refused(vectorGp), () =>
    loadLocal(0x00cf_9300_0000_ffffn, 0n),
  ),
  attack("segment-not-present", "loads a segment that is not present", refused(11), () =>
    loadSegment(0x00cf_1300_0000_ffffn, 0n),
  ),
  attack("stack-code", "loads a code segment as a stack", refused(vectorGp), () =>
    loadStack(0x00af_9b00_0000_ffffn, 0n),
  ),
  attack("call-gate-16", "calls through a 16-bit gate in 64-bit code", refused(vectorGp), () =>
    farCall(0x0000_8400_0008_0000n, 0n),
  ),
  attack("call-task", "calls a task in 64-bit code", refused(vectorGp), () =>
    farCall(0x0000_8900_0000_0067n, 0n),
  ),
  attack(
    "return-garbage",
    "returns from an interrupt to selectors that do not exist",
    refused(vectorGp),
    () => returnGarbage(0n, 0n),
  ),
  attack(
    "gate-task",
    "takes an interrupt through a task gate in 64-bit code",
    refused(vectorGp),
    through(handler, 0x08n, 0x8500n),
  ),
  attack(
    "gate-not-canonical",
    "takes an interrupt through a gate to nowhere",
    refused(vectorGp),
    through(0x8000_0000_0000_0000n, 0x08n, 0x8e00n),
  ),
  attack(
    "gate-data",
    "takes an interrupt through a gate into a data segment",
    refused(vectorGp),
    through(handler, 0x10n, 0x8e00n),
  ),
  attack(
    "gate-empty",
    "takes an interrupt through a gate that is not there",
    refused(11),
    through(0n, 0x08n, 0x0e00n),
  ),
  attack("single-step", "steps over an instruction that exits", refused(1), () => stepped(0n, 0n)),
  attack(
    "no-table",
    "takes an exception without an interrupt table",
    ends(StopReason.tripleFault, "the guest stops: triple fault"),
    () => {
      forgetFaults();
      ud2();
      return 0n;
    },
  ),
];
