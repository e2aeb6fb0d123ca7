/** The ACPI fixed hardware of an ICH9. */
import {
  bank,
  bit,
  bits,
  constant,
  device,
  inputs,
  line,
  now,
  pmClock,
  repeat,
  ro,
  rw,
  selfClearing,
  signal,
  timer,
  u16,
  u32,
  u64,
  u8,
  writeOneToClear,
  type StateOf,
} from "../dsl/device/vocabulary.ts";

/** Facts that the guest's tables tell: the value of SLP_TYP for soft off (ICH9 §13.8.3.3), and the timer's width. */
export const acpiPmFacts = Object.freeze({ softOffType: 7, timerBits: 24 } as const);
/** Where each block lies from PMBASE on. */
export const acpiPmOffsets = Object.freeze({ events: 0, control: 4, pmTimer: 8, gpe: 0x20 } as const);

/** Status and enable registers of GPE0 take as many bytes each (ICH9 §13.8.3.6). */
const gpeBytes = 8;
/** The lowest of them have wires. */
const gpePins = 16;
const gpeNotes = { section: "ICH9 §13.8.3.6", about: "General-purpose events." } as const;

const shape = device("acpi-pm", {
  title: "ACPI fixed hardware",
  about:
    "The PM1 event and control blocks, the 24-bit power-management timer and the GPE0 block of an ICH9. ACPI mode is always on, so there is no SMI command port.",
  manuals: ["ACPI 6.5 §4.8", "Intel ICH9 data sheet 316972 §13.8.3"],
  banks: {
    events: bank(u16, {
      status: rw(
        0,
        {
          timer: writeOneToClear(bit(0, "Bit 23 of the timer has changed.")),
          global: writeOneToClear(bit(5, "The firmware wants the global lock; never.")),
          powerButton: writeOneToClear(bit(8, "The power button was pressed.")),
          rtc: writeOneToClear(bit(10, "The real-time clock's alarm has come.")),
          wake: writeOneToClear(bit(15, "The machine has woken; never.")),
        },
        { section: "ICH9 §13.8.3.1", about: "PM1_STS." },
      ),
      enable: rw(
        2,
        {
          timer: bit(0, "`status.timer` interrupts."),
          global: bit(5, "`status.global` interrupts."),
          powerButton: bit(8, "`status.powerButton` interrupts."),
          rtc: bit(10, "`status.rtc` interrupts."),
        },
        { section: "ICH9 §13.8.3.2", about: "PM1_EN." },
      ),
    }),
    control: bank(u16, {
      control: rw(
        0,
        {
          sciEnable: constant(bit(0, "ACPI mode is on."), true),
          busMasterReload: bit(1, "Kept, and without effect."),
          globalRelease: selfClearing(bit(2, "Has no effect.")),
          sleepType: bits(12, 10, "7: soft off. Others do nothing."),
          sleepEnable: selfClearing(bit(13, "Does what `sleepType` says.")),
        },
        { section: "ICH9 §13.8.3.3", about: "PM1_CNT." },
      ),
    }),
    pmTimer: bank(u32, {
      value: ro(0, {}, { weight: 32, section: "ICH9 §13.8.3.4", about: "PM1_TMR: 24 bits at 3.579545 MHz." }),
    }),
    gpe: bank(u8, {
      gpeStatus: repeat(
        gpeBytes,
        1,
        rw(0, { events: writeOneToClear(bits(7, 0, "Eight events, the lowest first.")) }, gpeNotes),
      ),
      gpeEnable: repeat(gpeBytes, 1, rw(8, {}, { about: "The events that interrupt." })),
    }),
  },
  state: {
    /** How often bit 23 of the timer had changed when it was last looked at. */
    seenToggles: u64,
    toggle: timer(),
    /** The power button, while it is pressed. */
    powerButton: inputs(1),
    /** The real-time clock's alarm. */
    alarm: inputs(1),
    /** General-purpose events, by their number. */
    gpes: inputs(gpePins),
    sci: line(),
    powerOff: signal(),
  },
});
type AcpiPm = StateOf<typeof shape>;

const counterMask = 0xff_ffff;
/** TMR_STS is set whenever the highest bit changes (ACPI 6.5 §4.8.2.1). */
const toggleShift = 23n;
const timerStatus = 0x0001;
const sleepEnable = 0x2000;
/** TMR, GBL, PWRBTN and RTC. */
const eventBits = 0x0521;

/** Sets TMR_STS if the highest bit has changed since the last look. */
function lookAtTimer(u: AcpiPm): void {
  const toggles = u64(pmClock.ticksAt(now()) >> toggleShift);
  if (toggles === u.seenToggles) return;
  u.seenToggles = toggles;
  u.status.timer = true;
}

/** Has the timer come at the next change of the highest bit, if anybody wants to know. */
function scheduleToggle(u: AcpiPm): void {
  if (!u.enable.timer) {
    u.toggle.cancel();
    return;
  }
  const toggles = u64(pmClock.ticksAt(now()) >> toggleShift);
  u.toggle.arm(pmClock.nsAt(u64(u64(toggles + 1n) << toggleShift)));
}

/** The system control interrupt. Set where it may change, so that reading the timer costs nothing but that. */
function ask(u: AcpiPm): void {
  let asked = (u.status.value & u.enable.value & eventBits) !== 0;
  for (let i = 0; i < gpeBytes; i++) {
    if ((u.gpeStatus[i].value & u.gpeEnable[i].value) !== 0) asked = true;
  }
  u.sci.set(asked);
}

export const acpiPm = shape.implement({
  peek: {
    status: { timer: (u) => u.status.timer || u64(pmClock.ticksAt(now()) >> toggleShift) !== u.seenToggles },
    value: () => u32(pmClock.ticksAt(now())) & counterMask,
  },
  read: {
    status(u, peeked) {
      lookAtTimer(u);
      ask(u);
      return peeked;
    },
  },
  written: {
    status(u, value) {
      // What is cleared must not come back by itself, and what is left must not be lost.
      if ((value & timerStatus) === 0) lookAtTimer(u);
      else u.seenToggles = u64(pmClock.ticksAt(now()) >> toggleShift);
      ask(u);
    },
    enable(u) {
      lookAtTimer(u);
      scheduleToggle(u);
      ask(u);
    },
    gpeStatus: (u) => ask(u),
    gpeEnable: (u) => ask(u),
    control(u, value) {
      const sleeps = (value & sleepEnable) !== 0;
      const type = (value >>> 10) & 7;
      if (sleeps && type === acpiPmFacts.softOffType) u.powerOff.raise(0);
    },
  },
  expire: {
    toggle(u) {
      lookAtTimer(u);
      scheduleToggle(u);
      ask(u);
    },
  },
  input: {
    powerButton(u, _pin, level) {
      if (!level) return;
      u.status.powerButton = true;
      ask(u);
    },
    alarm(u, _pin, level) {
      if (!level) return;
      u.status.rtc = true;
      ask(u);
    },
    gpes(u, pin, level) {
      if (!level) return;
      const byte = (pin >>> 3) & 7;
      u.gpeStatus[byte].events = u8(u.gpeStatus[byte].events | (1 << (pin & 7)));
      ask(u);
    },
  },
});
