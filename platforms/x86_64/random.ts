/** The processor's random numbers (APM vol. 3, RDSEED and RDRAND; their feature bits in its appendix D). */
import { u64 } from "../../dsl/core/int.ts";
import { addressOf } from "../../dsl/core/intrinsics.ts";
import { bool, struct } from "../../dsl/core/layout.ts";
import { storage } from "../../dsl/core/storage.ts";
import type { GuestValue } from "../../dsl/device/board.ts";
import { cpuidEax, cpuidEbx, cpuidEcx, rdRand, rdSeed } from "./instructions.ts";

/** What the CPU has, found out when a number is first wanted, and where its numbers are stored. */
const source = storage(
  "randomSource",
  struct("RandomSource", { value: u64, probed: bool, seeds: bool, generates: bool }),
);

/** Attempts after which a source counts as drained. */
const attempts = 10;

/** Eight random bytes: of the seed source, or of the generator where the CPU has no seeds left. */
export function randomNumber(): GuestValue {
  if (!source.probed) {
    source.seeds = cpuidEax(0, 0) >= 7 && (cpuidEbx(7, 0) & (1 << 18)) !== 0;
    source.generates = (cpuidEcx(1, 0) & (1 << 30)) !== 0;
    source.probed = true;
  }
  const at = addressOf(source);
  if (source.seeds) {
    for (let i = 0; i < attempts; i++) if (rdSeed(at) !== 0) return { ok: true, value: source.value };
  }
  if (source.generates) {
    for (let i = 0; i < attempts; i++) if (rdRand(at) !== 0) return { ok: true, value: source.value };
  }
  return { ok: false, value: 0n };
}
