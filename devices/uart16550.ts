/** The 16550A UART, whose far end is the host. */
import {
  bank,
  bit,
  bits,
  bool,
  constant,
  device,
  fifo,
  line,
  now,
  readOnly,
  readToClear,
  ro,
  rw,
  sink,
  source,
  timer,
  u16,
  u64,
  u8,
  wo,
  type StateOf,
} from "../dsl/device/vocabulary.ts";

const shape = device("uart16550", {
  title: "16550A UART",
  about:
    "FIFOs, character time-out, loopback and modem status. The far end is the host: it takes every byte at once, so the transmitter is always empty again when the guest looks; it sends only when there is room, so nothing that it sends is lost. The interrupt output is the chip's INTR: the PC's gate by OUT2 is not modelled. CTS, DSR and DCD are always on, as from a terminal that is switched on.",
  manuals: ["National Semiconductor NS16550AF data sheet, 1995", "Texas Instruments TL16C550C, SLLS177"],
  banks: {
    ports: bank(
      u8,
      {
        iir: ro(
          2,
          {
            cause: bits(
              3,
              0,
              "1: none; 6: line status; 4: received data; 12: time-out; 2: THR empty; 0: modem status.",
            ),
            fifos: bits(7, 6, "3 while the FIFOs are on."),
          },
          { weight: 8, section: "§8.5", about: "Interrupt identification." },
        ),
        fcr: wo(
          2,
          {
            enable: bit(
              0,
              "Switches the FIFOs on; a change clears them. The other bits count only while this is 1.",
            ),
            clearRx: bit(1, "Clears the receiver's FIFO."),
            clearTx: bit(2, "Clears the transmitter's FIFO, which is always empty."),
            dmaMode: bit(3, "Kept; there is no DMA."),
            trigger: bits(7, 6, "Characters at which received data interrupt: 1, 4, 8 or 14."),
          },
          { section: "§8.4", about: "FIFO control." },
        ),
        lcr: rw(
          3,
          {
            wordLength: bits(1, 0, "Bits of a character, less 5."),
            twoStopBits: bit(2, "Two stop bits; with five bits one and a half."),
            parity: bit(3, "A parity bit is sent and expected."),
            evenParity: bit(4, "Parity is even."),
            stickParity: bit(5, "The parity bit is always the contrary of `evenParity`."),
            setBreak: bit(6, "Sends a break; only a receiver in loopback sees it."),
            dlab: bit(7, "The divisor latch lies at offsets 0 and 1."),
          },
          { section: "§8.1", about: "Line control." },
        ),
        mcr: rw(
          4,
          {
            dtr: bit(0, "Data terminal ready; DSR in loopback."),
            rts: bit(1, "Request to send; CTS in loopback."),
            out1: bit(2, "RI in loopback."),
            out2: bit(3, "DCD in loopback."),
            loopback: bit(4, "What is sent is received, and the outputs are the modem's inputs."),
          },
          { section: "§8.7", about: "Modem control." },
        ),
        lsr: ro(
          5,
          {
            ready: bit(0, "A character has been received."),
            overrun: readToClear(bit(1, "A character came and found no room.")),
            parityError: readToClear(bit(2, "Of the oldest character.")),
            framingError: readToClear(bit(3, "Of the oldest character.")),
            breakReceived: readToClear(bit(4, "The oldest character is a break.")),
            thrEmpty: constant(bit(5), true),
            idle: constant(bit(6), true),
            errorInFifo: bit(7, "A character in the FIFO came with an error."),
          },
          { weight: 32, section: "§8.3", about: "Line status." },
        ),
        msr: ro(
          6,
          {
            deltaCts: readToClear(bit(0, "CTS has changed.")),
            deltaDsr: readToClear(bit(1, "DSR has changed.")),
            trailingRi: readToClear(bit(2, "RI has ended.")),
            deltaDcd: readToClear(bit(3, "DCD has changed.")),
            cts: readOnly(bit(4, "Clear to send.")),
            dsr: readOnly(bit(5, "Data set ready.")),
            ri: readOnly(bit(6, "Ring indicator.")),
            dcd: readOnly(bit(7, "Data carrier detect.")),
          },
          { reset: 0xb0, section: "§8.8", about: "Modem status." },
        ),
        scr: rw(7, {}, { section: "§8.9", about: "A byte for software." }),
      },
      { dense: false, size: 8 },
    )
      .when("lcr.dlab", 0, {
        rbr: ro(0, {}, { about: "The oldest received character; 0 where there is none." }),
        thr: wo(0, {}, { weight: 32, about: "A character to send." }),
        ier: rw(
          1,
          {
            rx: bit(0, "Received data interrupt, and the time-out with the FIFOs on."),
            thr: bit(1, "The empty transmitter interrupts."),
            lineStatus: bit(2, "Errors and breaks interrupt."),
            modemStatus: bit(3, "Changes of the modem's lines interrupt."),
          },
          { section: "§8.6", about: "Interrupt enable." },
        ),
      })
      .when("lcr.dlab", 1, {
        dll: rw(
          0,
          {},
          { reset: 12, section: "§8.2", about: "Divisor of the 1.8432 MHz clock by 16, low byte." },
        ),
        dlm: rw(1, {}, { section: "§8.2", about: "High byte of the divisor." }),
      }),
  },
  state: {
    /** Received characters: the byte, and above it the LSR bits [4:2] that came with it. */
    rx: fifo(u16, 16),
    /** Characters behind the oldest one that came with an error. */
    laterErrors: u8,
    /** THR has become empty, and nobody has been told. */
    thrPending: bool,
    /** Characters have lain in the FIFO for four character times. */
    timedOut: bool,
    rxTimeout: timer(),
    irq: line(),
    output: sink(),
    input: source(),
  },
});
type Uart = StateOf<typeof shape>;

const lineErrors = 0x1e;
const characterErrors = 0x1c;
const overrun = 0x02;
const breakCharacter = 0x18 << 8;
const terminalLines = 0xb0;
const triggerLevels = [1, 4, 8, 14] as const;

/** IIR [3:0]: the highest of the pending and enabled causes, 1 for none (NS16550AF table 4). */
function cause(u: Uart): u8 {
  const enabled = u.ier.value & 0x0f;
  if (enabled === 0) return 1;
  if ((enabled & 0x04) !== 0 && (u.lsr.value & lineErrors) !== 0) return 0x06;
  if ((enabled & 0x01) !== 0) {
    const count = u.rx.count;
    const level = u.fcr.enable ? triggerLevels[u.fcr.trigger & 3] : 1;
    if (count >= level) return 0x04;
    if (u.timedOut) return 0x0c;
  }
  if ((enabled & 0x02) !== 0 && u.thrPending) return 0x02;
  if ((enabled & 0x08) !== 0 && (u.msr.value & 0x0f) !== 0) return 0x00;
  return 1;
}

function settle(u: Uart): void {
  u.irq.set(cause(u) !== 1);
}

/** Four times as long as a character takes at the programmed speed from a 1.8432 MHz clock. */
function timeoutNs(u: Uart): u64 {
  const divisor = Math.max(u.dll.value | (u.dlm.value << 8), 1);
  const characterBits = 7 + u.lcr.wordLength + (u.lcr.parity ? 1 : 0) + (u.lcr.twoStopBits ? 1 : 0);
  return u64((BigInt(divisor * characterBits) * 312_500n) / 9n);
}

function restartTimeout(u: Uart): void {
  if (!u.fcr.enable || u.rx.empty) u.rxTimeout.cancel();
  else u.rxTimeout.arm(u64(now() + timeoutNs(u)));
}

/** How many characters the receiver holds: the FIFO, or RBR alone. */
function receiverSize(u: Uart): u8 {
  return u.fcr.enable ? 16 : 1;
}

/** A character has reached the receiver, with its error bits above the byte. */
function received(u: Uart, character: u16): void {
  const first = u.rx.empty;
  if (u.rx.count >= receiverSize(u)) {
    u.lsr.value = u8(u.lsr.value | overrun);
    // Without FIFOs the new character takes the old one's place; with them it is lost.
    if (u.fcr.enable) return;
    u.rx.clear();
    u.rx.push(character);
    u.lsr.value = u8(u.lsr.value | ((character >>> 8) & characterErrors));
    return;
  }
  u.rx.push(character);
  const errors = (character >>> 8) & characterErrors;
  if (errors !== 0) {
    if (first) u.lsr.value = u8(u.lsr.value | errors);
    else u.laterErrors = u8(u.laterErrors + 1);
  }
  if (!u.timedOut) restartTimeout(u);
}

function clearReceiver(u: Uart): void {
  u.rx.clear();
  u.laterErrors = 0;
  u.timedOut = false;
  u.rxTimeout.cancel();
  u.input.ready();
}

/** The modem status inputs: in loopback the four outputs, else the terminal's lines; changes set the delta bits. */
function updateModem(u: Uart): void {
  const before = u.msr.value;
  let lines: u8 = terminalLines;
  if (u.mcr.loopback) {
    lines =
      (u.mcr.rts ? 0x10 : 0) | (u.mcr.dtr ? 0x20 : 0) | (u.mcr.out1 ? 0x40 : 0) | (u.mcr.out2 ? 0x80 : 0);
  }
  const deltas = ((before ^ lines) >>> 4) & 0x0b;
  const ringEnded = (before & 0x40) !== 0 && (lines & 0x40) === 0 ? 0x04 : 0;
  u.msr.value = u8((before & 0x0f) | lines | deltas | ringEnded);
}

export const uart16550 = shape.implement({
  peek: {
    iir: { cause, fifos: (u) => (u.fcr.enable ? 3 : 0) },
    lsr: {
      ready: (u) => !u.rx.empty,
      errorInFifo: (u) => u.fcr.enable && ((u.lsr.value & characterErrors) !== 0 || u.laterErrors !== 0),
    },
    rbr: (u) => u8(u.rx.peek() & 0xff),
  },
  read: {
    rbr(u) {
      const character = u.rx.pop();
      const next = u.rx.peek();
      const errors = (next >>> 8) & characterErrors;
      if (errors !== 0) {
        u.lsr.value = u8(u.lsr.value | errors);
        if (u.laterErrors > 0) u.laterErrors = u8(u.laterErrors - 1);
      }
      u.timedOut = false;
      restartTimeout(u);
      if (u.rx.empty) u.input.ready();
      return u8(character & 0xff);
    },
    iir(u, peeked) {
      // NS16550AF §8.5: reading IIR acknowledges THRE only where THRE is what it reports.
      if ((peeked & 0x0f) === 0x02) u.thrPending = false;
      return peeked;
    },
  },
  write: {
    thr(u, byte) {
      // The character leaves at once; where the interrupt was pending it falls and rises again.
      if (u.irq.level) {
        u.thrPending = false;
        settle(u);
      }
      if (u.mcr.loopback) received(u, byte);
      else u.output.put(byte);
      u.thrPending = true;
    },
    fcr(u, value) {
      const enable = (value & 0x01) !== 0;
      // NS16550AF §8.4: switching the FIFOs clears them, and the other bits count only where bit 0 is written as 1.
      const switched = enable !== u.fcr.enable;
      u.fcr.value = enable ? u8(value & 0xc9) : 0;
      if (switched || (value & 0x03) === 0x03) clearReceiver(u);
      if (switched || (value & 0x05) === 0x05) u.thrPending = true;
    },
  },
  written: {
    ier(u, value, old) {
      if ((value & 0x02) !== 0 && (old & 0x02) === 0) u.thrPending = true;
    },
    lcr(u, value, old) {
      // In loopback the receiver sees a break as one character of zeros without a stop bit.
      if ((value & ~old & 0x40) !== 0 && u.mcr.loopback) received(u, breakCharacter);
    },
    mcr(u, value, old) {
      updateModem(u);
      if ((old & ~value & 0x10) !== 0) u.input.ready();
    },
  },
  expire: {
    rxTimeout(u) {
      u.timedOut = !u.rx.empty;
    },
  },
  room: {
    input(u) {
      if (u.mcr.loopback) return 0;
      const size = receiverSize(u);
      const count = u.rx.count;
      return count < size ? u16(size - count) : 0;
    },
  },
  receive: { input: (u, byte) => received(u, byte) },
  settle,
});
