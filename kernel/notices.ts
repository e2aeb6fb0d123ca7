/** Notices: the sentences that tell the operator what became of a guest, and why. */
import { text, type Text } from "../dsl/core/intrinsics.ts";
import { u64, type u32 } from "../dsl/core/int.ts";
import { putBytes, putDecimal, putHex, putText } from "./console.ts";
import { StopReason, type Domain } from "./domain.ts";

/** The sentences of the reasons, and whether the detail says something. */
const sentences = Object.freeze([
  { reason: StopReason.powerOff, text: "it powered itself off", detail: 0 },
  { reason: StopReason.reboot, text: "it asked for a restart", detail: 0 },
  { reason: StopReason.tripleFault, text: "triple fault", detail: 0 },
  { reason: StopReason.invalidState, text: "the processor refused its state", detail: 1 },
  {
    reason: StopReason.memoryAccess,
    text: "an access to physical memory that cannot be performed",
    detail: 1,
  },
  { reason: StopReason.emulation, text: "an instruction that is not performed on device memory", detail: 1 },
  { reason: StopReason.unexpectedExit, text: "an unexpected exit", detail: 1 },
  { reason: StopReason.haltedForever, text: "halted with interrupts off", detail: 0 },
  { reason: StopReason.taskSwitch, text: "a hardware task switch", detail: 1 },
]);
/** All sentences in one text, and where each begins and how long it is, by reason. */
const allSentences = sentences.map((s) => s.text).join("");
const reasons = 1 + Math.max(...sentences.map((s) => s.reason));
const byReason = (value: (index: number) => number): readonly number[] =>
  Object.freeze(
    Array.from({ length: reasons }, (_, reason) => {
      const index = sentences.findIndex((s) => s.reason === reason);
      return index < 0 ? 0 : value(index);
    }),
  );
const starts = byReason((index) => sentences.slice(0, index).reduce((sum, s) => sum + s.text.length, 0));
const lengths = byReason((index) => sentences[index].text.length);
const details = byReason((index) => sentences[index].detail);

/** Opens a notice. */
export function putPrefix(): void {
  putText(text("typevisor: "));
}

function putReason(reason: u32, detail: u64): void {
  if (reason >= reasons) return;
  putBytes(u64(text(allSentences).address + BigInt(starts[reason])), lengths[reason]);
  if (details[reason] !== 0) {
    putText(text(" ("));
    putHex(detail);
    putText(text(")"));
  }
}

/** "typevisor: guest linux stopped: triple fault at rip 0x…" */
export function noticeStopped(name: Text, domain: Domain, verb: Text): void {
  putText(text("\n"));
  putPrefix();
  putText(text("guest "));
  putText(name);
  putText(text(" "));
  putText(verb);
  putText(text(": "));
  putReason(domain.reason, domain.stopDetail);
  const reason = domain.reason;
  if (reason !== StopReason.powerOff && reason !== StopReason.reboot) {
    putText(text(" at rip "));
    putHex(domain.stopRip);
  }
  putText(text("\n"));
}

/** "typevisor: guest linux started, 512 MiB" */
export function noticeStarted(name: Text, mebibytes: u64): void {
  putPrefix();
  putText(text("guest "));
  putText(name);
  putText(text(" started, "));
  putDecimal(mebibytes);
  putText(text(" MiB\n"));
}

/** "typevisor: guest linux is stopped; r starts it again, p turns the machine off" */
export function noticeIdle(name: Text): void {
  putPrefix();
  putText(text("guest "));
  putText(name);
  putText(text(" is stopped; r starts it again, p turns the machine off\n"));
}

/** "typevisor: " and a sentence. */
export function notice(sentence: Text): void {
  putPrefix();
  putText(sentence);
  putText(text("\n"));
}
