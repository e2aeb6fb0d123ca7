/** The decoder and the emulation as a program of its own, for the comparison of Node with native code. */
import { u32, u64, u8 } from "../../../../dsl/core/int.ts";
import { addressOf } from "../../../../dsl/core/intrinsics.ts";
import { array, struct } from "../../../../dsl/core/layout.ts";
import type { Program } from "../../../../dsl/core/program.ts";
import { storage } from "../../../../dsl/core/storage.ts";
import { decode } from "../decode.ts";
import { Segmentation } from "../effective-address.ts";
import { complete, prepare } from "../execute.ts";
import { interceptedLength, shortForms, shortLength } from "../fast-length.ts";
import { CodeBytes, DecodeResult, Instruction, Mode } from "../operation.ts";
import { Plan, PlanResult, retire } from "../plan.ts";

/** Everything that one run reads and writes, side by side. */
export const Scene = struct("Scene", {
  gpr: array(u64, 16),
  rip: u64,
  rflags: u64,
  first: u64,
  second: u64,
  segmentation: Segmentation,
  code: CodeBytes,
  instruction: Instruction,
  plan: Plan,
});
/** The one scene. */
export const scene = storage("scene", Scene);

function modeOf(mode: u32): Mode {
  return mode === 2 ? Mode.bits16 : mode === 4 ? Mode.bits32 : Mode.bits64;
}

/** Decodes, and where that succeeds plans, completes and retires; the results in bits [7:0] and [15:8]. */
function run(mode: u32): u32 {
  const decoded = decode(scene.code, modeOf(mode), scene.instruction);
  if (decoded !== DecodeResult.ok) return decoded;
  const planned = prepare(
    scene.instruction,
    scene.gpr,
    scene.segmentation,
    scene.rip,
    scene.rflags,
    scene.plan,
  );
  if (planned === PlanResult.ready) {
    complete(scene.instruction, scene.gpr, scene.plan, scene.first, scene.second);
    retire(scene.plan, scene.gpr);
  }
  return u32(decoded | (planned << 8));
}

function decodeOnly(mode: u32): u32 {
  return decode(scene.code, modeOf(mode), scene.instruction);
}

function cpuidLength(mode: u32): u8 {
  return interceptedLength(scene.code, modeOf(mode), shortForms.cpuid, scene.instruction);
}

function shortCpuid(head: u64): u8 {
  return shortLength(head, shortForms.cpuid);
}

/** Entry points for the test. */
export const program: Program = {
  name: "decode",
  entries: [
    { symbol: "sceneAddress", fn: (): u64 => addressOf(scene), params: [], result: u64 },
    { symbol: "run", fn: run, params: [u32], result: u32 },
    { symbol: "decodeOnly", fn: decodeOnly, params: [u32], result: u32 },
    { symbol: "cpuidLength", fn: cpuidLength, params: [u32], result: u8 },
    { symbol: "shortCpuid", fn: shortCpuid, params: [u64], result: u8 },
  ],
};
