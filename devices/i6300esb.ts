/**
 * The watchdog of Intel's 6300ESB I/O controller hub (data sheet 300641-004, chapter 16): a timer of two stages. When the
 * first ends it interrupts, when the second ends it resets the guest. Linux's `i6300esb` drives it.
 */
import {
  bank,
  bit,
  bits,
  bool,
  clock,
  device,
  line,
  now,
  repeat,
  rw,
  selfClearing,
  signal,
  timer,
  u32,
  u64,
  u8,
  writeOneToClear,
  type StateOf,
} from "../dsl/device/vocabulary.ts";
import { isa, type DeviceTemplate } from "../dsl/manifest/device.ts";
import { plainEndpoint } from "./pci/endpoint.ts";
import { pciDevice } from "./pci/place.ts";
import { ResetKind } from "./reset-control.ts";

/** The clock of the PCI bus, whose ticks the timer counts. */
const busClock = clock(33_000_000n);
const barBytes = 16;

/** What unlocks one write to `preload` or `reload`: these two, written to `reload` one after the other. */
const keys = [0x80, 0x86] as const;

/** Makes the watchdog, whose base address 0 lies at `gpa` at first. */
export function i6300esb(gpa: number) {
  const pci = plainEndpoint({
    vendorId: 0x8086,
    deviceId: 0x25ab,
    classCode: 0x08_8000,
    bars: [{ index: 0, bytes: barBytes, gpa }],
    registers: {
      config: rw(0x60, {
        interruptType: bits(1, 0, "0: the first stage interrupts. Otherwise it does not."),
        fast: bit(2, "A count is 2^5 clocks (about 1 µs), not 2^15 (about 1 ms)."),
        outputOff: bit(5, "The second stage does not reset."),
      }),
      lock: rw(0x68, {
        locked: bit(0, "This register keeps its value until a reset."),
        enable: bit(1, "The timer runs. A change starts it with the first stage."),
        freeRunning: bit(2, "The timer only toggles a pin, which no guest has."),
      }),
    },
  });
  const shape = device("i6300esb", {
    title: "i6300ESB watchdog",
    about: "Resets the guest when its driver no longer says that all is well.",
    manuals: ["Intel 6300ESB I/O Controller Hub data sheet, 300641-004, chapter 16"],
    banks: {
      ...pci.banks,
      timers: bank(
        u32,
        {
          preload: repeat(
            2,
            4,
            rw(0, { counts: bits(19, 0, "Counts of a stage, less one.") }, { reset: 0xf_ffff }),
          ),
          status: rw(8, { interrupt: writeOneToClear(bit(0, "The first stage has ended.")) }),
          reload: rw(
            0xc,
            {
              reload: selfClearing(bit(8, "The first stage begins anew.")),
              timeout: writeOneToClear(bit(9, "The second stage has ended.")),
            },
            { retained: true, about: "0x80, then 0x86 written here unlock one write, here or to `preload`." },
          ),
        },
        pci.behind(0, 0, barBytes),
      ),
    },
    state: { given: u8, second: bool, dueTick: u64, countdown: timer(), irq: line(), reset: signal() },
  });
  type Watchdog = StateOf<typeof shape>;

  /** Begins a stage at a tick. Its end is counted from there, so nothing gets lost between two stages. */
  const begin = (u: Watchdog, second: boolean, tick: u64): void => {
    const counts = BigInt(second ? u.preload[1].counts : u.preload[0].counts) + 1n;
    u.second = second;
    u.dueTick = u64(tick + (u.config.fast ? counts << 5n : counts << 15n));
    u.countdown.arm(busClock.nsAt(u.dueTick));
  };
  const start = (u: Watchdog): void => {
    if (u.lock.enable && !u.lock.freeRunning) begin(u, false, busClock.ticksAt(now()));
    else u.countdown.cancel();
  };
  /** Whether a write is unlocked; the next is not. */
  const unlocked = (u: Watchdog): boolean => {
    const all = u.given === 2;
    u.given = 0;
    return all;
  };

  return shape.implement({
    write: {
      lock(u, value) {
        const old = u.lock.value;
        if (u.lock.locked) return;
        u.lock.value = value & 7;
        if (((value ^ old) & 6) !== 0) start(u);
      },
      preload(u, stage, value) {
        if (unlocked(u)) u.preload[stage & 1].counts = value & 0xf_ffff;
      },
      reload(u, value) {
        const low = value & 0x1ff;
        if (low === keys[0]) u.given = 1;
        else if (low === keys[1] && u.given === 1) u.given = 2;
        else if (unlocked(u)) {
          if ((value & 0x200) !== 0) u.reload.timeout = false;
          if ((value & 0x100) !== 0) start(u);
        }
      },
    },
    expire: {
      countdown(u) {
        if (u.second) {
          u.reload.timeout = true;
          if (!u.config.outputOff) u.reset.raise(ResetKind.system);
        } else {
          u.status.interrupt = true;
          begin(u, true, u.dueTick);
        }
      },
    },
    settle: (u) => u.irq.set(u.status.interrupt && u.config.interruptType === 0),
  });
}

/** The watchdog of a guest. Its interrupt is IRQ 10; what follows its reset is the guest's `onReboot`. */
export function watchdog({ name = "watchdog" } = {}): DeviceTemplate {
  const connect = { irq: isa(10), reset: { board: "reset" } };
  return ({ pci }) => [pciDevice(pci, { name, barBytes: [barBytes], make: i6300esb, connect })];
}
