/**
 * Viridian, the interface that Microsoft Hyper-V gives its guests (Hypervisor Top Level Functional Specification 6.0b), as
 * devices: `devices: [q35(), viridian()]`. Each feature is a device of its own; a profile names those that a guest has,
 * and what the leaves promise follows from it.
 */
import { checkRules, rule, type Device } from "../dsl/device/vocabulary.ts";
import { instantiate } from "../dsl/device/instance.ts";
import { fitted, type DeviceDeclaration, type DeviceTemplate } from "../dsl/manifest/device.ts";
import { crashRegisters } from "./viridian/crash.ts";
import { frequencies } from "./viridian/frequencies.ts";
import { identity } from "./viridian/identity.ts";
import { idleRegister } from "./viridian/idle.ts";
import { interruptRegisters } from "./viridian/interrupts.ts";
import { vpIndex } from "./viridian/vp-index.ts";
import { referenceTime } from "./viridian/reference-time.ts";
import { resetRegister } from "./viridian/reset.ts";

/** What a profile may name, beside identity, hypercalls and the processors' indices, which every guest has. */
export type ViridianFeature =
  "reference-time" | "frequencies" | "interrupt-registers" | "idle" | "reset" | "crash";

/** All that is implemented. */
export const viridianFeatures: readonly ViridianFeature[] = Object.freeze([
  "reference-time",
  "frequencies",
  "interrupt-registers",
  "idle",
  "reset",
  "crash",
]);

/** Which bits of the leaves promise which rows (TLFS §2.4.4). */
export const viridianRules = Object.freeze([
  rule("features.eax.hypercall", "guestOsId", "hypercall"),
  rule("features.eax.vpIndex", "vpIndex"),
  rule("features.eax.referenceCounter", "timeRefCount"),
  rule("features.eax.referenceTsc", "referenceTsc"),
  rule("features.eax.interruptRegisters", "eoi", "icr", "tpr", "vpAssistPage"),
  rule("features.eax.reset", "systemReset"),
  rule("features.eax.idle", "guestIdle"),
  rule("features.edx.idleState", "guestIdle"),
  rule("features.eax.frequencies", "tscFrequency", "apicFrequency"),
  rule("features.edx.frequencyRegisters", "tscFrequency", "apicFrequency"),
  rule("features.edx.crashRegisters", "crashParameter", "crashControl"),
]);

export interface ViridianOptions {
  /** The profile; everything if nothing is said. */
  readonly features?: readonly ViridianFeature[];
}

/** Makes the interface of a guest. */
export function viridian(options: ViridianOptions = {}): DeviceTemplate {
  const features = options.features ?? viridianFeatures;
  const has = (feature: ViridianFeature): boolean => features.includes(feature);
  return ({ vcpus }) => {
    const parts: DeviceDeclaration[] = [];
    const devices: Pick<Device, "model">[] = [];
    const put = <U, N extends string, C>(
      device: Device<U, N, C>,
      name: string,
      msr: number,
      connect: Readonly<Record<string, string>> = {},
      vcpu?: number,
    ): void => {
      const at = Object.fromEntries(Object.keys(device.windows).map((window) => [window, msr]));
      const ends = Object.entries(connect).map(([wire, board]) => [wire, { board, channel: vcpu ?? 0 }]);
      const instance = instantiate(device, vcpu === undefined ? name : `${name}${vcpu}`, {
        at: at as Record<N, number>,
        connect: Object.fromEntries(ends),
      });
      devices.push(device);
      parts.push(fitted(instance, vcpu === undefined ? {} : { vcpu }));
    };
    const offer = {
      vcpus,
      referenceCounter: has("reference-time"),
      interruptRegisters: has("interrupt-registers"),
      reset: has("reset"),
      idle: has("idle"),
      frequencies: has("frequencies"),
      crash: has("crash"),
    };
    put(identity(offer), "viridian", 0x4000_0000, { yield: "yield" });
    if (has("reset")) put(resetRegister, "vreset", 0x4000_0003, { reset: "reset" });
    if (has("reference-time")) put(referenceTime, "vtime", 0x4000_0020);
    if (has("frequencies")) put(frequencies, "vfreq", 0x4000_0022);
    if (has("crash")) put(crashRegisters, "vcrash", 0x4000_0100);
    for (let vcpu = 0; vcpu < vcpus; vcpu++) {
      put(vpIndex(vcpu), "vindex", 0x4000_0002, {}, vcpu);
      if (has("interrupt-registers")) put(interruptRegisters, "vapic", 0x4000_0070, {}, vcpu);
      if (has("idle")) put(idleRegister, "vidle", 0x4000_00f0, { idle: "idle" }, vcpu);
    }
    checkRules("viridian", viridianRules, devices);
    return parts;
  };
}
