/**
 * The partition's reference time in units of 100 ns (TLFS §12.4 to §12.7): a counter behind an MSR, and the same by the
 * time-stamp counter, whose scale stands in a page that the guest lays over its memory. Both come from one product, so
 * they never disagree.
 */
import { bank, bit, bits, board, device, page, reserved, ro, rw, u64 } from "../../dsl/device/vocabulary.ts";
import type { StateOf } from "../../dsl/device/vocabulary.ts";

/** Units of the reference time in a second. */
const unitsPerSecond = 10_000_000n;

const shape = device("viridian-reference-time", {
  title: "Viridian: reference time",
  about:
    "The time since the guest started in 100 ns, by a counter and by a page with the scale of the time-stamp counter.",
  manuals: ["Hypervisor Top Level Functional Specification (TLFS), version 6.0b"],
  banks: {
    time: bank(
      u64,
      {
        timeRefCount: ro(0, {}, { about: "The reference time, in 100 ns", section: "TLFS §12.4" }),
        referenceTsc: rw(
          1,
          { enable: bit(0), ignored: reserved(11, 1), gpfn: bits(63, 12) },
          { about: "The page with the counter's scale", section: "TLFS §12.7" },
        ),
      },
      { space: "msr" },
    ),
  },
  state: { scale: u64, scalePage: page() },
});
type ReferenceTime = StateOf<typeof shape>;

/** `2^64 * to / from`, rounded down, for `to` below `from`: bit by bit, so no division is wider than 64 bits. */
function ratio(to: u64, from: u64): u64 {
  let quotient: u64 = 0n;
  let rest: u64 = to;
  for (let i = 0; i < 64; i++) {
    const carry = rest >> 63n !== 0n;
    const doubled = u64(rest << 1n);
    const take = carry || doubled >= from;
    rest = take ? u64(doubled - from) : doubled;
    quotient = u64((quotient << 1n) | (take ? 1n : 0n));
  }
  return quotient;
}

function follow(u: ReferenceTime): void {
  if (!u.referenceTsc.enable) {
    u.scalePage.remove();
    return;
  }
  // Scale and offset, and then the sequence number that says that they hold.
  u.scalePage.write(8, u.scale);
  u.scalePage.write(16, 0n);
  u.scalePage.write(0, 1n);
  u.scalePage.place(u64(u.referenceTsc.value & ~0xfffn));
}

/** The reference time of a guest. */
export const referenceTime = shape.implement({
  peek: { timeRefCount: (u) => u64((board.ticks() * u.scale) >> 64n) },
  accepts: {
    referenceTsc: (_u, value) => (value & 1n) === 0n || board.coversMemory(u64(value & ~0xfffn)),
  },
  written: { referenceTsc: follow },
  reset(u) {
    u.scale = ratio(unitsPerSecond, board.ticksPerSecond());
  },
});
