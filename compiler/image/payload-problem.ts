/** What a payload that cannot be used ends the build with. */
import { InputFailure } from "../failure.ts";

/** Codes of what can be wrong with a payload; each has a page in `docs/diagnostics/`. */
export const payloadCodes = Object.freeze({
  TV6101: "a payload is not there",
  TV6102: "a payload is empty",
  TV6103: "a payload is truncated",
  TV6104: "a payload is no bzImage",
  TV6105: "a kernel cannot be booted by the protocol that is spoken here",
  TV6106: "a payload is no initrd",
  TV6107: "a guest's memory does not hold its kernel and what goes with it",
  TV6108: "a command line is longer than the kernel takes",
  TV6109: "a payload is no ELF file that can be loaded",
  TV6110: "a kernel has no PVH entry point",
  TV6111: "a kernel has no multiboot header that can be followed",
  TV6112: "a kernel's entry point lies outside of it",
  TV6113: "a kernel's segment has no place in its guest's memory",
  TV6114: "a disk has no whole sectors",
  TV6118: "a payload is no firmware that can be started",
} as const);
export type PayloadCode = keyof typeof payloadCodes;

/** A payload that cannot be brought along, or that its guest cannot boot. */
export class PayloadProblem extends InputFailure {
  override readonly name = "PayloadProblem";
  readonly code: PayloadCode;
  /** Where it was declared; undefined where only the model is known. */
  readonly at: { readonly stack?: string } | undefined;
  /** The guest that needs it otherwise. */
  readonly related: readonly { readonly message: string; readonly at: { readonly stack?: string } }[];

  constructor(code: PayloadCode, message: string, at?: Place, guest?: { name: string; place: Place }) {
    super(message);
    this.code = code;
    this.at = at;
    this.related =
      guest === undefined ? [] : [{ message: `guest "${guest.name}" is declared here`, at: guest.place }];
  }
}

/** A place as diagnostics read it. */
export interface Place {
  readonly stack?: string;
}
