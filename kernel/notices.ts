/** Notices: the sentences that tell the operator what became of a guest, and why. */
import { text, type Text } from "../dsl/core/intrinsics.ts";
import type { u32, u64 } from "../dsl/core/int.ts";
import { putDecimal, putHex, putText } from "./console.ts";
import { StopReason, type Domain } from "./domain.ts";

/** The sentence of a reason, and whether the detail says something. */
const sentences = Object.freeze([
  { reason: StopReason.powerOff, text: "it powered itself off", detail: false },
  { reason: StopReason.reboot, text: "it asked for a restart", detail: false },
  { reason: StopReason.tripleFault, text: "triple fault", detail: false },
  { reason: StopReason.invalidState, text: "the processor refused its state", detail: true },
  { reason: StopReason.memoryAccess, text: "an access to physical memory that cannot be performed", detail: true },
  { reason: StopReason.emulation, text: "an instruction that is not performed on device memory", detail: true },
  { reason: StopReason.unexpectedExit, text: "an unexpected exit", detail: true },
  { reason: StopReason.haltedForever, text: "halted with interrupts off", detail: false },
  { reason: StopReason.taskSwitch, text: "a hardware task switch", detail: true },
]);

/** Opens a notice. */
export function putPrefix(): void {
  putText(text("typevisor: "));
}

function putReason(reason: u32, detail: u64): void {
  for (const s of sentences) {
    if (reason === s.reason) {
      putText(text(s.text));
      if (s.detail) {
        putText(text(" ("));
        putHex(detail);
        putText(text(")"));
      }
    }
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

/** "typevisor: " and a sentence. */
export function notice(sentence: Text): void {
  putPrefix();
  putText(sentence);
  putText(text("\n"));
}
