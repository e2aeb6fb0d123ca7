/**
 * The keyboard controller without a keyboard or a mouse, and system control port A beside it: what firmware, memory
 * testers and kernels ask before they believe that nothing is plugged in.
 */
import {
  array,
  bank,
  bit,
  constant,
  device,
  line,
  readOnly,
  ro,
  rw,
  signal,
  u8,
  wo,
  type StateOf,
} from "../dsl/device/vocabulary.ts";
import { ResetKind } from "./reset-control.ts";

/** Commands to port 0x64. */
enum Command {
  readMemory = 0x20,
  writeMemory = 0x60,
  disableAuxiliary = 0xa7,
  enableAuxiliary = 0xa8,
  testAuxiliary = 0xa9,
  selfTest = 0xaa,
  testKeyboard = 0xab,
  disableKeyboard = 0xad,
  enableKeyboard = 0xae,
  readInputPort = 0xc0,
  readOutputPort = 0xd0,
  writeOutputPort = 0xd1,
  writeKeyboardBuffer = 0xd2,
  writeAuxiliaryBuffer = 0xd3,
  writeAuxiliary = 0xd4,
  readTestInputs = 0xe0,
  pulseFirst = 0xf0,
}

const selfTestPassed = 0x55;
/** Input port: keyboard unlocked, colour display, manufacturing jumper absent. */
const inputPort = 0xb0;
const outputPortReset = 0x01;
const outputPortA20 = 0x02;
/** Command byte: interrupt enables in bits 0 and 1, system flag in 2, disables in 4 and 5, translation in 6. */
const commandByteReset = 0x30;

const shape = device("i8042", {
  title: "Keyboard controller",
  about:
    "An Intel 8042 without a keyboard or a mouse, and system control port A beside it: its commands and self-tests, the A20 gate, which is always open, and the two old ways to reset.",
  manuals: [
    "IBM PS/2 Hardware Interface Technical Reference, Keyboard and Auxiliary Device Controller",
    "Intel ICH9 data sheet 316972",
  ],
  banks: {
    data: bank(u8, {
      output: ro(0, {}, { about: "The output buffer: an answer." }),
      input: wo(0, {}, { about: "A command's parameter, or a byte to a device that is not there." }),
    }),
    control: bank(u8, {
      status: ro(
        0,
        {
          outputFull: readOnly(bit(0, "The output buffer holds an answer.")),
          inputFull: readOnly(bit(1, "Never: what is written is taken at once.")),
          systemFlag: readOnly(bit(2, "The self-test has passed, or the command byte says so.")),
          lastWasCommand: readOnly(bit(3, "The last write was a command.")),
          unlocked: constant(bit(4, "The keyboard is not locked."), true),
          auxiliaryData: readOnly(bit(5, "The answer is the mouse's.")),
        },
        { about: "What the controller is about." },
      ),
      command: wo(0, {}, { about: "A command to the controller." }),
    }),
    systemA: bank(u8, {
      portA: rw(
        0,
        {
          initialise: bit(0, "A 1 where there was a 0 resets the processors."),
          a20: bit(1, "Kept; the gate is always open."),
        },
        { reset: 0x02, section: "ICH9 §13.7.3", about: "System control port A." },
      ),
    }),
  },
  state: {
    /** The controller's memory; byte 0 is the command byte. */
    memory: array(u8, 32),
    /** The command whose parameter the next write to port 0x60 is; 0 for none. */
    pending: u8,
    outputPort: u8,
    irq1: line(),
    irq12: line(),
    reset: signal(),
  },
});
type Controller = StateOf<typeof shape>;

/** Puts a byte into the output buffer. */
function answer(u: Controller, byte: u8, auxiliary: boolean): void {
  u.output.value = byte;
  u.status.outputFull = true;
  u.status.auxiliaryData = auxiliary;
}

function writeOutputPort(u: Controller, value: u8): void {
  u.outputPort = value;
  if ((value & outputPortReset) === 0) u.reset.raise(ResetKind.processor);
}

/** The parameter of a command that takes one. */
function parameter(u: Controller, command: u8, byte: u8): void {
  if (command >= 0x60 && command <= 0x7f) {
    u.memory[command & 31] = byte;
    if (command === 0x60) u.status.systemFlag = (byte & 0x04) !== 0;
    return;
  }
  switch (command) {
    case Command.writeOutputPort:
      writeOutputPort(u, byte);
      return;
    case Command.writeKeyboardBuffer:
      answer(u, byte, false);
      return;
    case Command.writeAuxiliaryBuffer:
      answer(u, byte, true);
      return;
    default:
    // A byte to a device that is not there.
  }
}

function execute(u: Controller, command: u8): void {
  if (command >= Command.readMemory && command <= 0x3f) {
    answer(u, u.memory[command & 31], false);
    return;
  }
  if (command >= Command.writeMemory && command <= 0x7f) {
    u.pending = command;
    return;
  }
  if (command >= Command.pulseFirst) {
    // Bits [3:0] of the command name the lines that stay high; line 0 is the processor's reset.
    if ((command & 0x01) === 0) u.reset.raise(ResetKind.processor);
    return;
  }
  const commandByte = u.memory[0];
  switch (command) {
    case Command.disableAuxiliary:
      u.memory[0] = u8(commandByte | 0x20);
      return;
    case Command.enableAuxiliary:
      u.memory[0] = u8(commandByte & ~0x20);
      return;
    case Command.disableKeyboard:
      u.memory[0] = u8(commandByte | 0x10);
      return;
    case Command.enableKeyboard:
      u.memory[0] = u8(commandByte & ~0x10);
      return;
    case Command.selfTest:
      u.memory[0] = commandByteReset;
      u.status.systemFlag = true;
      answer(u, selfTestPassed, false);
      return;
    case Command.testKeyboard:
    case Command.testAuxiliary:
      answer(u, 0, false);
      return;
    case Command.readInputPort:
      answer(u, inputPort, false);
      return;
    case Command.readOutputPort:
      answer(u, u8(u.outputPort | outputPortReset | outputPortA20), false);
      return;
    case Command.readTestInputs:
      answer(u, 0, false);
      return;
    case Command.writeOutputPort:
    case Command.writeKeyboardBuffer:
    case Command.writeAuxiliaryBuffer:
    case Command.writeAuxiliary:
      u.pending = command;
      return;
    default:
    // What the controller does not know it ignores.
  }
}

export const i8042 = shape.implement({
  read: {
    output(u, peeked) {
      u.status.outputFull = false;
      u.status.auxiliaryData = false;
      return peeked;
    },
  },
  write: {
    input(u, byte) {
      const command = u.pending;
      u.pending = 0;
      u.status.lastWasCommand = false;
      parameter(u, command, byte);
    },
    command(u, command) {
      u.pending = 0;
      u.status.lastWasCommand = true;
      execute(u, command);
    },
  },
  written: {
    portA(u, value, old) {
      // The gate stays open whatever is written: bit 1 reads as it was written, as software checks it.
      if ((value & ~old & 0x01) !== 0) u.reset.raise(ResetKind.processor);
    },
  },
  reset(u) {
    u.memory[0] = commandByteReset;
    u.outputPort = outputPortReset | outputPortA20;
  },
  settle(u) {
    const commandByte = u.memory[0];
    const full = u.status.outputFull;
    const auxiliary = u.status.auxiliaryData;
    u.irq1.set(full && !auxiliary && (commandByte & 0x01) !== 0);
    u.irq12.set(full && auxiliary && (commandByte & 0x02) !== 0);
  },
});
