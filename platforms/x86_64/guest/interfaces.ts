/**
 * The tables that a guest's devices declare for its processors, found at build time: MSRs, CPUID leaves and hypercalls.
 * Where no device declares any, `msrs` and `hypercalls` are null, and nothing of them is in the image.
 */
import { u32, u64, type u16 } from "../../../dsl/core/int.ts";
import { addressOf } from "../../../dsl/core/intrinsics.ts";
import type { Leaf } from "../../../dsl/device/leaf.ts";
import type { MsrAccess, MsrValue } from "../../../dsl/device/msr.ts";
import type { PlacedInstance } from "../../../kernel/board.ts";
import type { GuestNumbers } from "./interrupt-controllers.ts";
import type { LocalApics } from "./local-apic.ts";

/** Declared MSRs, by the dense index of the accessing vCPU. */
export interface DeclaredMsrs {
  read(vcpu: u32, msr: u32): MsrValue;
  /** False raises #GP. */
  write(vcpu: u32, msr: u32, value: u64): boolean;
}

/** A declared hypercall of some vCPUs. */
export interface DeclaredHypercall {
  readonly code: number;
  /** Dense index of the first vCPU that has it, and of the last. */
  readonly first: number;
  readonly last: number;
  readonly inputBytes: number;
  readonly outputBytes: number;
  /** Host addresses of the parameters. */
  readonly input: () => u64;
  readonly output: () => u64;
  readonly run: () => u16;
}

/** A declared leaf of a guest's vCPUs. */
export interface DeclaredLeaf {
  readonly leaf: Leaf;
  readonly first: number;
  readonly last: number;
}

export interface Interfaces {
  readonly msrs: DeclaredMsrs | null;
  readonly hypercalls: readonly DeclaredHypercall[] | null;
  readonly leaves: readonly DeclaredLeaf[];
  /** Overlay pages of the guest with an index. */
  readonly overlaysOf: (guest: number) => number;
}

interface Range {
  readonly first: number;
  readonly last: number;
}

/** The vCPUs that have what an instance declares: one, or all of its guest. */
function vcpusOf(guests: readonly GuestNumbers[], { guest, vcpu }: PlacedInstance): Range {
  const { firstVcpu, vcpuCount } = guests.find((g) => g.index === guest)!;
  if (vcpu !== null) return { first: firstVcpu + vcpu, last: firstVcpu + vcpu };
  return { first: firstVcpu, last: firstVcpu + vcpuCount - 1 };
}

/** Builds the access to declared MSRs; null where there are none. */
function declaredMsrs(
  guests: readonly GuestNumbers[],
  placed: readonly PlacedInstance[],
  apics: LocalApics,
  deliver: () => void,
): DeclaredMsrs | null {
  const total = guests.reduce((sum, g) => sum + g.vcpuCount, 0);
  const banks = placed.flatMap((p) =>
    p.instance.windows.flatMap((window, i) => {
      if (window.msr === undefined) return [];
      const bank = Object.keys(p.instance.device.windows)[i];
      const range = vcpusOf(guests, p);
      const shortcuts = p.instance.device.model.registers
        .filter((r) => r.bank === bank && r.apic !== null)
        .map((r) =>
          Object.freeze({ msr: Number(window.base) + r.offset, register: r.apic!, access: r.access }),
        );
      return [
        Object.freeze({
          ...range,
          everyone: range.first === 0 && range.last === total - 1,
          base: Number(window.base),
          size: window.sizeBytes,
          state: p.state,
          access: window.msr as unknown as MsrAccess<object>,
          readable: Object.freeze(shortcuts.filter((s) => s.access !== "wo")),
          writable: Object.freeze(shortcuts.filter((s) => s.access !== "ro")),
        }),
      ];
    }),
  );
  if (banks.length === 0) return null;
  return Object.freeze({
    read(vcpu: u32, msr: u32): MsrValue {
      for (const b of banks) {
        const offset = u32(msr - b.base);
        if (offset < b.size && (b.everyone || (vcpu >= b.first && vcpu <= b.last))) {
          for (const s of b.readable)
            if (msr === s.msr) return { ok: true, value: apics.readSynthetic(vcpu, s.register) };
          const got = b.access.read(b.state, offset);
          deliver();
          return got;
        }
      }
      return { ok: false, value: 0n };
    },
    write(vcpu: u32, msr: u32, value: u64): boolean {
      for (const b of banks) {
        const offset = u32(msr - b.base);
        if (offset < b.size && (b.everyone || (vcpu >= b.first && vcpu <= b.last))) {
          for (const s of b.writable) if (msr === s.msr) return apics.writeSynthetic(vcpu, s.register, value);
          const taken = b.access.write(b.state, offset, value);
          deliver();
          return taken;
        }
      }
      return false;
    },
  });
}

/** Finds the tables of all guests' devices. `deliver` delivers what devices have queued. */
export function interfaces(
  guests: readonly GuestNumbers[],
  placed: readonly PlacedInstance[],
  apics: LocalApics,
  deliver: () => void,
): Interfaces {
  const hypercalls = placed.flatMap((p) => {
    const { state } = p;
    return p.instance.device.hypercalls.map((call) => {
      const { code, inputBytes, outputBytes, inputAt, outputAt, run } = call;
      return Object.freeze({
        code,
        ...vcpusOf(guests, p),
        inputBytes,
        outputBytes,
        input: (): u64 => u64(addressOf(state) + BigInt(inputAt)),
        output: (): u64 => u64(addressOf(state) + BigInt(outputAt)),
        run: (): u16 => run(state),
      });
    });
  });
  hypercalls.forEach((call, i) => {
    const other = hypercalls
      .slice(0, i)
      .find((c) => c.code === call.code && c.first <= call.last && call.first <= c.last);
    if (other !== undefined)
      throw new RangeError(`two devices of a guest answer hypercall 0x${call.code.toString(16)}`);
  });
  return Object.freeze({
    overlaysOf: (guest: number): number =>
      placed
        .filter((p) => p.guest === guest)
        .reduce(
          (sum, p) => sum + p.instance.wires.filter((w) => w.kind === "page" || w.kind === "shared").length,
          0,
        ),
    msrs: declaredMsrs(guests, placed, apics, deliver),
    hypercalls: hypercalls.length === 0 ? null : Object.freeze(hypercalls),
    leaves: Object.freeze(
      placed.flatMap((p) =>
        p.instance.device.leaves.map((leaf) => Object.freeze({ leaf, ...vcpusOf(guests, p) })),
      ),
    ),
  });
}
