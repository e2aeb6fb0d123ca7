/** Instances: a device at its place in a domain, with its windows and where its wires end. */
import { DeclarationError, remember } from "./place.ts";
import type { Device } from "./device.ts";
import type { DeviceWindow } from "./device-window.ts";
import type { WireEnd } from "./lifecycle.ts";

/** Where a wire ends; the board (the kernel, a test) knows what each kind means. */
export type Target =
  /** An input pin of another instance. */
  | { readonly instance: string; readonly pin: number }
  /** Something of the board's own, for example a vCPU's interrupt input or a console. */
  | { readonly board: string; readonly channel?: number };

/** A window at its place. */
export interface InstanceWindow<U = unknown> extends DeviceWindow<U> {
  readonly base: bigint;
}
/** A wire of an instance: its end in the state, and its targets. An array's element has a wire of its own. */
export interface InstanceWire {
  readonly name: string;
  readonly index: number;
  readonly kind: WireEnd["kind"];
  /** Added to the instance's first wire number. */
  readonly ordinal: number;
  readonly targets: readonly Target[];
}
/** A device in a domain. Its state is one struct of `device.state`. */
export interface Instance<U = unknown, C = unknown> {
  readonly name: string;
  readonly device: Device<U, string, C>;
  readonly windows: readonly InstanceWindow<U>[];
  readonly wires: readonly InstanceWire[];
}

/** Where a wire ends: at one place, or at several. */
export type Targets = Target | readonly Target[];
/** Where an instance lies. A wire that is not named goes nowhere. */
export interface Wiring<Names extends string> {
  /** Base of each window: a port, a guest-physical address, an MSR, a configuration address. A movable one has none. */
  readonly at: Readonly<Record<Names, number | bigint>>;
  /** Targets by the state's name; for an array of ends, by `name[index]`. */
  readonly connect?: Readonly<Record<string, Targets>>;
}

function listOf(targets: Targets | undefined): readonly Target[] {
  if (targets === undefined) return [];
  return Array.isArray(targets) ? (targets as readonly Target[]) : [targets as Target];
}

/** Places a device. Throws DeclarationError for a window without a base, or a wire that the device has not. */
export function instantiate<U, Names extends string, C>(
  device: Device<U, Names, C>,
  name: string,
  wiring: Wiring<Names>,
): Instance<U, C> {
  const windows = Object.entries(device.windows as Readonly<Record<string, DeviceWindow<U>>>).map(
    ([bankName, window]) => {
      // The guest places it.
      if (window.movable !== undefined) return Object.freeze({ ...window, base: 0n });
      const base = (wiring.at as Readonly<Record<string, number | bigint>>)[bankName];
      if (base === undefined)
        throw new DeclarationError(`${name}: the window ${bankName} of ${device.name} has no base`);
      const last = BigInt(base) + BigInt(window.sizeBytes) - 1n;
      const limit = { port: 0xffffn, msr: 0xffff_ffffn, configuration: 0xfff_ffffn, mmio: (1n << 52n) - 1n }[
        window.space
      ];
      if (BigInt(base) < 0n || last > limit) {
        throw new DeclarationError(
          `${name}: the window ${bankName} at 0x${base.toString(16)} does not fit its space`,
        );
      }
      return Object.freeze({ ...window, base: BigInt(base) });
    },
  );
  const wires = device.wires.flatMap((end) =>
    Array.from({ length: end.count }, (_, index) =>
      Object.freeze({
        name: end.name,
        index,
        kind: end.kind,
        ordinal: end.ordinal + index,
        targets: Object.freeze(listOf(wiring.connect?.[end.many ? `${end.name}[${index}]` : end.name])),
      }),
    ),
  );
  const known = new Set(
    device.wires.flatMap((e) =>
      e.many ? Array.from({ length: e.count }, (_, i) => `${e.name}[${i}]`) : [e.name],
    ),
  );
  for (const wire of Object.keys(wiring.connect ?? {})) {
    if (!known.has(wire)) throw new DeclarationError(`${name}: ${device.name} has no wire ${wire}`);
  }
  return remember(
    Object.freeze({
      name,
      device: device as Device<U, string, C>,
      windows: Object.freeze(windows),
      wires: Object.freeze(wires),
    }),
  );
}
