/** The pair of 8259A interrupt controllers of a PC. Inputs 0 to 7 are the first one's, 8 to 15 the second one's. */
import {
  array,
  bank,
  bool,
  device,
  i32,
  inputs,
  line,
  ro,
  rw,
  struct,
  u8,
  wo,
  type StateOf,
  type ValueOf,
} from "../dsl/device/vocabulary.ts";

/** One chip. Bit n of a set is input n. */
const Chip = struct("I8259Chip", {
  /** Requests latched at an edge. */
  latched: u8,
  /** Levels of the inputs. */
  levels: u8,
  inService: u8,
  mask: u8,
  /** Inputs that are level-triggered. */
  levelTriggered: u8,
  /** Vector of input 0. */
  base: u8,
  /** The input of lowest priority; 7 after initialisation. */
  lowest: u8,
  /** Which initialisation word the data port takes next, 2 to 4; 0 outside initialisation. */
  nextWord: u8,
  expectsIcw4: bool,
  single: bool,
  autoEoi: bool,
  rotateOnAutoEoi: bool,
  specialMask: bool,
  specialFullyNested: bool,
  /** The command port reads the service register instead of the request register. */
  readsInService: bool,
  /** The next read of either port is a poll. */
  polled: bool,
});
type Chip = ValueOf<typeof Chip>;

const none = 8;
const cascadeInput = 2;
const cascadeBit = 1 << cascadeInput;

const words = { section: "Initialization and Operation Command Words" } as const;
const status = {
  about:
    "The request or the service register, as chosen by the last OCW3; after a poll command, what the poll found.",
};
const command = { ...words, about: "ICW1, OCW2 or OCW3." } as const;
const mask = { ...words, about: "The mask; during initialisation ICW2 to ICW4." } as const;
const elcr = { section: "ICH9 §13.3", about: "A 1 for each input that is level-triggered." } as const;

const shape = device("i8259", {
  title: "Pair of 8259A interrupt controllers",
  about:
    "As in a PC/AT: the second one's output is input 2 of the first; with the edge/level control registers of the PIIX and ICH chipsets.",
  manuals: ["Intel 8259A data sheet 231468, 1988", "Intel ICH9 data sheet 316972"],
  banks: {
    first: bank(u8, {
      status0: ro(0, {}, status),
      command0: wo(0, {}, command),
      data0: rw(1, {}, { ...mask, weight: 8 }),
    }),
    second: bank(u8, {
      status1: ro(0, {}, status),
      command1: wo(0, {}, command),
      data1: rw(1, {}, { ...mask, weight: 4 }),
    }),
    elcr: bank(u8, { elcr0: rw(0, {}, elcr), elcr1: rw(1, {}, elcr) }),
  },
  state: { chips: array(Chip, 2), irqs: inputs(16), intr: line() },
});
type Pics = StateOf<typeof shape>;

/** The input of highest priority in a set, or `none`. */
function highest(chip: Chip, set: u8): u8 {
  if (set === 0) return none;
  for (let i = 1; i <= 8; i++) {
    const input = (chip.lowest + i) & 7;
    if ((set & (1 << input)) !== 0) return input;
  }
  return none;
}

/** How far an input is from the highest priority, 0 to 7; 8 for `none`. */
function rank(chip: Chip, input: u8): u8 {
  return input === none ? none : (input - chip.lowest - 1) & 7;
}

function requests(chip: Chip): u8 {
  return u8(chip.latched | (chip.levels & chip.levelTriggered));
}

/** The input that would be acknowledged now, or `none` (data sheet, "Interrupt Sequence"). */
function pendingInput(chip: Chip): u8 {
  const wanted = highest(chip, u8(requests(chip) & ~chip.mask));
  if (wanted === none) return none;
  let served = chip.inService;
  // In special mask mode, what is masked no longer blocks lower inputs.
  if (chip.specialMask) served = u8(served & ~chip.mask);
  // In special fully nested mode, the second chip may interrupt again while one of its inputs is served.
  if (chip.specialFullyNested) served = u8(served & ~cascadeBit);
  return rank(chip, wanted) < rank(chip, highest(chip, served)) ? wanted : none;
}

/** Sets the level of a chip's input; a rising edge of an edge-triggered one is latched. */
function setLevel(chip: Chip, input: u8, level: boolean): void {
  const bit = 1 << (input & 7);
  if (level) {
    if (((chip.levels | chip.levelTriggered) & bit) === 0) chip.latched = u8(chip.latched | bit);
    chip.levels = u8(chip.levels | bit);
  } else chip.levels = u8(chip.levels & ~bit);
}

/** Marks an input as acknowledged. */
function accept(chip: Chip, input: u8): void {
  const bit = 1 << (input & 7);
  chip.latched = u8(chip.latched & ~bit);
  if (!chip.autoEoi) chip.inService = u8(chip.inService | bit);
  else if (chip.rotateOnAutoEoi) chip.lowest = input & 7;
}

/** What each output drives: the second chip's the first one's input 2, the first one's INTR. */
function settle(u: Pics): void {
  const first = u.chips[0];
  setLevel(first, cascadeInput, pendingInput(u.chips[1]) !== none);
  // The second chip's output is high as long as it has something to say, so a fallen one leaves no request behind.
  if ((first.levels & cascadeBit) === 0) first.latched = u8(first.latched & ~cascadeBit);
  u.intr.set(pendingInput(first) !== none);
}

/** Acknowledges one chip, as its INTA cycles do; an input that has gone again gives input 7. */
function acknowledgeChip(chip: Chip): u8 {
  const input = pendingInput(chip);
  if (input === none) return 7;
  accept(chip, input);
  return input;
}

/** The whole pair's INTA cycles: the vector. */
function acknowledge(u: Pics): u8 {
  const first = u.chips[0];
  const input = acknowledgeChip(first);
  let vector: u8 = u8(first.base + input);
  if (input === cascadeInput) {
    const second = u.chips[1];
    vector = u8(second.base + acknowledgeChip(second));
  }
  settle(u);
  return vector;
}

/** A poll: acknowledges, and says what in [2:0], [7] whether there was anything (data sheet, "Poll Command"). */
function poll(chip: Chip): u8 {
  chip.polled = false;
  const input = pendingInput(chip);
  if (input === none) return 0;
  accept(chip, input);
  return u8(0x80 | input);
}

function peekStatus(chip: Chip): u8 {
  return chip.readsInService ? chip.inService : requests(chip);
}

/** ICW1: the chip starts over (data sheet, "Initialization Command Word 1"). */
function beginInitialisation(chip: Chip, value: u8): void {
  chip.expectsIcw4 = (value & 0x01) !== 0;
  chip.single = (value & 0x02) !== 0;
  chip.latched = 0;
  chip.inService = 0;
  chip.mask = 0;
  chip.lowest = 7;
  chip.nextWord = 2;
  chip.autoEoi = false;
  chip.rotateOnAutoEoi = false;
  chip.specialMask = false;
  chip.specialFullyNested = false;
  chip.readsInService = false;
  chip.polled = false;
}

/** OCW2: ends of interrupt and rotation, by its bits R, SL and EOI in [7:5]. */
function endOrRotate(chip: Chip, value: u8): void {
  const input = value & 7;
  switch (value >> 5) {
    case 0:
      chip.rotateOnAutoEoi = false;
      break;
    case 4:
      chip.rotateOnAutoEoi = true;
      break;
    case 1:
    case 5: {
      const served = chip.specialMask ? u8(chip.inService & ~chip.mask) : chip.inService;
      const ended = highest(chip, served);
      if (ended === none) break;
      chip.inService = u8(chip.inService & ~(1 << (ended & 7)));
      if (value >> 5 === 5) chip.lowest = ended & 7;
      break;
    }
    case 3:
      chip.inService = u8(chip.inService & ~(1 << input));
      break;
    case 6:
      chip.lowest = input;
      break;
    case 7:
      chip.inService = u8(chip.inService & ~(1 << input));
      chip.lowest = input;
      break;
    default:
      break;
  }
}

function writeCommand(chip: Chip, value: u8): void {
  if ((value & 0x10) !== 0) beginInitialisation(chip, value);
  else if ((value & 0x08) !== 0) {
    // OCW3.
    if ((value & 0x04) !== 0) chip.polled = true;
    if ((value & 0x02) !== 0) chip.readsInService = (value & 0x01) !== 0;
    if ((value & 0x40) !== 0) chip.specialMask = (value & 0x20) !== 0;
  } else endOrRotate(chip, value);
}

function writeData(chip: Chip, value: u8): void {
  switch (chip.nextWord) {
    case 2:
      chip.base = value & 0xf8;
      chip.nextWord = chip.single ? (chip.expectsIcw4 ? 4 : 0) : 3;
      break;
    case 3:
      // ICW3 says how the chips are wired, which on a PC is fixed.
      chip.nextWord = chip.expectsIcw4 ? 4 : 0;
      break;
    case 4:
      chip.autoEoi = (value & 0x02) !== 0;
      chip.specialFullyNested = (value & 0x10) !== 0;
      chip.nextWord = 0;
      break;
    default:
      chip.mask = value;
      break;
  }
}

// Inputs that are always edge-triggered: the timer, the keyboard, the cascade; the clock and the coprocessor (ICH9 §13.3.2).
const elcrFirst = 0xf8;
const elcrSecond = 0xde;

export const i8259 = shape.implement({
  peek: {
    status0: (u) => peekStatus(u.chips[0]),
    status1: (u) => peekStatus(u.chips[1]),
    data0: (u) => u.chips[0].mask,
    data1: (u) => u.chips[1].mask,
    elcr0: (u) => u.chips[0].levelTriggered,
    elcr1: (u) => u.chips[1].levelTriggered,
  },
  read: {
    status0: (u, peeked) => (u.chips[0].polled ? poll(u.chips[0]) : peeked),
    status1: (u, peeked) => (u.chips[1].polled ? poll(u.chips[1]) : peeked),
    data0: (u, peeked) => (u.chips[0].polled ? poll(u.chips[0]) : peeked),
    data1: (u, peeked) => (u.chips[1].polled ? poll(u.chips[1]) : peeked),
  },
  write: {
    command0: (u, value) => writeCommand(u.chips[0], value),
    command1: (u, value) => writeCommand(u.chips[1], value),
    data0: (u, value) => writeData(u.chips[0], value),
    data1: (u, value) => writeData(u.chips[1], value),
    elcr0(u, value) {
      u.chips[0].levelTriggered = value & elcrFirst;
    },
    elcr1(u, value) {
      u.chips[1].levelTriggered = value & elcrSecond;
    },
  },
  input: {
    irqs(u, pin, level) {
      setLevel(pin < 8 ? u.chips[0] : u.chips[1], pin & 7, level);
    },
  },
  reset(u) {
    for (const chip of u.chips) {
      chip.lowest = 7;
      // The inputs stay as they are driven.
      chip.levels = 0;
    }
    for (let pin: u8 = 0; pin < 16; pin++) {
      if (u.irqs.level(pin)) setLevel(pin < 8 ? u.chips[0] : u.chips[1], pin & 7, true);
    }
  },
  calls: {
    /** The vector that an acknowledge would give, or -1; changes nothing. */
    pending(u: Pics): i32 {
      const first = u.chips[0];
      const input = pendingInput(first);
      if (input === none) return -1;
      if (input !== cascadeInput) return u8(first.base + input);
      const second = u.chips[1];
      const inner = pendingInput(second);
      return u8(second.base + (inner === none ? 7 : inner));
    },
    acknowledge,
  },
  queries: ["pending"],
  settle,
});
