/**
 * The 16550A UART (National Semiconductor NS16550AF data sheet, 1995; Texas Instruments TL16C550C, SLLS177): FIFOs,
 * character time-out, loopback, modem status.
 *
 * The far end is the host: it takes every byte at once, so the transmitter is always empty again when the guest
 * looks; it sends only when there is room, so nothing that it sends is lost. The interrupt output is the chip's INTR:
 * the PC's gate by OUT2 is not modelled. CTS, DSR and DCD are always on, as from a terminal that is switched on.
 */
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
  banks: {
    ports: bank(
      u8,
      {
        iir: ro(2, { cause: bits(3, 0), fifos: bits(7, 6) }, { weight: 8 }),
        fcr: wo(2, {
          enable: bit(0),
          clearRx: bit(1),
          clearTx: bit(2),
          dmaMode: bit(3),
          trigger: bits(7, 6),
        }),
        lcr: rw(3, {
          wordLength: bits(1, 0),
          twoStopBits: bit(2),
          parity: bit(3),
          evenParity: bit(4),
          stickParity: bit(5),
          setBreak: bit(6),
          dlab: bit(7),
        }),
        mcr: rw(4, { dtr: bit(0), rts: bit(1), out1: bit(2), out2: bit(3), loopback: bit(4) }),
        lsr: ro(
          5,
          {
            ready: bit(0),
            overrun: readToClear(bit(1)),
            parityError: readToClear(bit(2)),
            framingError: readToClear(bit(3)),
            breakReceived: readToClear(bit(4)),
            thrEmpty: constant(bit(5), true),
            idle: constant(bit(6), true),
            errorInFifo: bit(7),
          },
          { weight: 32 },
        ),
        msr: ro(
          6,
          {
            deltaCts: readToClear(bit(0)),
            deltaDsr: readToClear(bit(1)),
            trailingRi: readToClear(bit(2)),
            deltaDcd: readToClear(bit(3)),
            cts: readOnly(bit(4)),
            dsr: readOnly(bit(5)),
            ri: readOnly(bit(6)),
            dcd: readOnly(bit(7)),
          },
          { reset: 0xb0 },
        ),
        scr: rw(7),
      },
      { dense: false, size: 8 },
    )
      .when("lcr.dlab", 0, {
        rbr: ro(0),
        thr: wo(0, {}, { weight: 32 }),
        ier: rw(1, { rx: bit(0), thr: bit(1), lineStatus: bit(2), modemStatus: bit(3) }),
      })
      .when("lcr.dlab", 1, { dll: rw(0, {}, { reset: 12 }), dlm: rw(1) }),
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
