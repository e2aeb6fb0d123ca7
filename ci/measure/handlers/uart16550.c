/* devices/uart16550.ts in C, as one would write it by hand: the same registers, checks, and settling. */
#include "board.h"

static struct {
  uint8_t fcr, lcr, mcr, lsr, msr, scr, ier, dll, dlm;
  uint8_t later_errors;
  bool thr_pending, timed_out;
  struct {
    uint16_t head, count, data[16];
  } rx;
  struct timer timeout;
  struct line irq;
  uint16_t output, input;
} u;

enum { ERRORS = 0x1e, CHARACTER_ERRORS = 0x1c, OVERRUN = 0x02, BREAK = 0x1800 };

static const uint8_t trigger_levels[4] = {1, 4, 8, 14};

static bool fifos(void) { return u.fcr & 1; }

static uint8_t cause(void) {
  uint8_t enabled = u.ier & 0x0f;
  if (enabled == 0) return 1;
  if (enabled & 4 && u.lsr & ERRORS) return 6;
  if (enabled & 1) {
    if (u.rx.count >= (fifos() ? trigger_levels[u.fcr >> 6] : 1)) return 4;
    if (u.timed_out) return 12;
  }
  if (enabled & 2 && u.thr_pending) return 2;
  if (enabled & 8 && u.msr & 0x0f) return 0;
  return 1;
}

static void settle(void) { set_line(&u.irq, cause() != 1); }

static void restart_timeout(void) {
  if (!fifos() || u.rx.count == 0) {
    cancel(&u.timeout);
    return;
  }
  uint32_t divisor = u.dll | u.dlm << 8;
  if (divisor == 0) divisor = 1;
  uint32_t bits = 7 + (u.lcr & 3) + (u.lcr >> 3 & 1) + (u.lcr >> 2 & 1);
  arm(&u.timeout, recorder.now + (uint64_t)(divisor * bits) * 312500 / 9);
}

static void push(uint16_t character) {
  if (u.rx.count < 16) u.rx.data[(u.rx.head + u.rx.count++) & 15] = character;
}

static void received(uint16_t character) {
  bool first = u.rx.count == 0;
  if (u.rx.count >= (fifos() ? 16 : 1)) {
    u.lsr |= OVERRUN;
    if (fifos()) return;
    u.rx.head = u.rx.count = 0;
    push(character);
    u.lsr |= character >> 8 & CHARACTER_ERRORS;
    return;
  }
  push(character);
  uint8_t errors = character >> 8 & CHARACTER_ERRORS;
  if (errors) {
    if (first) u.lsr |= errors;
    else u.later_errors++;
  }
  if (!u.timed_out) restart_timeout();
}

static void clear_receiver(void) {
  u.rx.head = u.rx.count = 0;
  u.later_errors = 0;
  u.timed_out = false;
  cancel(&u.timeout);
  note(READY, u.input, 0, 0);
}

static void update_modem(void) {
  uint8_t before = u.msr, lines = 0xb0;
  if (u.mcr & 0x10) lines = (u.mcr & 2) << 3 | (u.mcr & 1) << 5 | (u.mcr & 4) << 4 | (u.mcr & 8) << 4;
  uint8_t deltas = (before ^ lines) >> 4 & 0x0b;
  if (before & 0x40 && !(lines & 0x40)) deltas |= 4;
  u.msr = (before & 0x0f) | lines | deltas;
}

static uint8_t read_rbr(void) {
  uint16_t character = 0, next = 0;
  if (u.rx.count) {
    character = u.rx.data[u.rx.head & 15];
    u.rx.head = (u.rx.head + 1) & 15;
    if (--u.rx.count) next = u.rx.data[u.rx.head];
  }
  uint8_t errors = next >> 8 & CHARACTER_ERRORS;
  if (errors) {
    u.lsr |= errors;
    if (u.later_errors) u.later_errors--;
  }
  u.timed_out = false;
  restart_timeout();
  if (u.rx.count == 0) note(READY, u.input, 0, 0);
  settle();
  return character;
}

static uint8_t read1(uint32_t offset) {
  uint8_t value;
  if (likely(offset == 5)) {
    value = (u.lsr & 0x7e) | (u.rx.count != 0);
    if (fifos() && (u.lsr & CHARACTER_ERRORS || u.later_errors)) value |= 0x80;
    u.lsr &= ~ERRORS;
    settle();
    return value;
  }
  switch (offset) {
  case 0: return u.lcr & 0x80 ? u.dll : read_rbr();
  case 1: return u.lcr & 0x80 ? u.dlm : u.ier;
  case 2:
    value = cause() | (fifos() ? 0xc0 : 0);
    if ((value & 0x0f) == 2) u.thr_pending = false;
    settle();
    return value;
  case 3: return u.lcr;
  case 4: return u.mcr;
  case 6:
    value = u.msr;
    u.msr &= 0xf0;
    settle();
    return value;
  case 7: return u.scr;
  }
  return 0xff;
}

static void write_thr(uint8_t byte) {
  if (u.irq.level) {
    u.thr_pending = false;
    settle();
  }
  if (u.mcr & 0x10) received(byte);
  else note(BYTE, u.output, byte, 0);
  u.thr_pending = true;
  settle();
}

static void write_fcr(uint8_t value) {
  bool switched = (value & 1) != (u.fcr & 1);
  u.fcr = value & 1 ? value & 0xc9 : 0;
  if (switched || (value & 3) == 3) clear_receiver();
  if (switched || (value & 5) == 5) u.thr_pending = true;
  settle();
}

static void write1(uint32_t offset, uint8_t value) {
  uint8_t old;
  switch (offset) {
  case 0:
    if (likely(!(u.lcr & 0x80))) write_thr(value);
    else u.dll = value;
    return;
  case 1:
    if (u.lcr & 0x80) {
      u.dlm = value;
      return;
    }
    old = u.ier;
    u.ier = value & 0x0f;
    if (value & 2 && !(old & 2)) u.thr_pending = true;
    settle();
    return;
  case 2: write_fcr(value); return;
  case 3:
    old = u.lcr;
    u.lcr = value;
    if (value & ~old & 0x40 && u.mcr & 0x10) received(BREAK);
    settle();
    return;
  case 4:
    old = u.mcr;
    u.mcr = value & 0x1f;
    update_modem();
    if (old & ~value & 0x10) note(READY, u.input, 0, 0);
    settle();
    return;
  case 7: u.scr = value; return;
  }
}

static __attribute__((noinline)) uint32_t read_wide(uint32_t offset, uint8_t width) {
  uint32_t value = 0;
  for (int i = 0; i < width && i < 4; i++) value |= (uint32_t)read1(offset + i) << 8 * i;
  return value;
}

static __attribute__((noinline)) void write_wide(uint32_t offset, uint8_t width, uint32_t value) {
  for (int i = 0; i < width && i < 4; i++) write1(offset + i, value >> 8 * i);
}

entry uint32_t read_ports(uint32_t offset, uint8_t width) {
  if (unlikely(width != 1)) return read_wide(offset, width);
  return read1(offset);
}

entry void write_ports(uint32_t offset, uint8_t width, uint32_t value) {
  if (unlikely(width != 1)) write_wide(offset, width, value);
  else write1(offset, value);
}

entry void receive(uint16_t ordinal, uint8_t byte) {
  if (ordinal != 3) return;
  received(byte);
  settle();
}

entry void initialise(void) {
  u.lsr = 0x60;
  u.msr = 0xb0;
  u.dll = 12;
  u.timeout.wire = 1;
  u.irq.wire = 2;
  u.output = 3;
  u.input = 4;
}
