/* devices/ioapic.ts in C, as one would write it by hand: the same registers and checks. */
#include "board.h"

enum { PINS = 24, LOW_PINS = 0xff0000 };

/* Bits of a redirection entry. */
static const uint64_t REMOTE_IRR = 1 << 14, LEVEL = 1 << 15, MASKED = 1 << 16, ACTIVE_LOW = 1 << 13;
static const uint64_t WRITABLE = 0xff0000000001afff, READ_ONLY = 0x5000;

static struct {
  uint32_t select, id, levels;
  uint16_t bus;
  uint64_t redirection[PINS];
} u;

static bool active(unsigned pin) {
  bool asked = (u.levels ^ LOW_PINS) >> pin & 1;
  return u.redirection[pin] & ACTIVE_LOW ? !asked : asked;
}

static void send(unsigned pin) {
  uint64_t e = u.redirection[pin];
  note(MESSAGE, u.bus, e >> 56, (e & 0x8fff) | 0x4000);
}

static void serve_level(unsigned pin) {
  uint64_t e = u.redirection[pin];
  if (!(e & LEVEL) || e & (MASKED | REMOTE_IRR) || !active(pin)) return;
  if ((e >> 8 & 7) < 2) u.redirection[pin] = e | REMOTE_IRR;
  send(pin);
}

static void end_of_interrupt(uint8_t vector) {
  for (unsigned pin = 0; pin < PINS; pin++) {
    uint64_t e = u.redirection[pin];
    if (e & LEVEL && e & REMOTE_IRR && (uint8_t)e == vector) {
      u.redirection[pin] = e & ~REMOTE_IRR;
      serve_level(pin);
    }
  }
}

static void write_redirection(unsigned pin, uint64_t value) {
  uint64_t e = (u.redirection[pin] & READ_ONLY) | (value & WRITABLE);
  if (!(value & LEVEL)) e &= ~REMOTE_IRR;
  u.redirection[pin] = e;
  serve_level(pin);
}

static uint32_t read_inner(uint8_t index) {
  switch (index) {
  case 0: return u.id;
  case 1: return 0x170020;
  case 2: return u.id;
  }
  unsigned unit = index - 0x10u;
  if (unit >= 2 * PINS) return 0;
  return u.redirection[unit >> 1] >> (unit & 1 ? 32 : 0);
}

static void write_inner(uint8_t index, uint32_t value) {
  unsigned unit = index - 0x10u;
  if (index == 0) u.id = value & 0x0f000000;
  else if (unit < 2 * PINS) {
    uint64_t e = u.redirection[unit >> 1];
    if (unit & 1) write_redirection(unit >> 1, (uint32_t)e | (uint64_t)value << 32);
    else write_redirection(unit >> 1, (e & ~0xffffffffull) | value);
  }
}

entry uint32_t read_mmio(uint32_t offset, uint8_t width) {
  if (width != 4) return 0;
  switch (offset) {
  case 0x00: return u.select;
  case 0x10: return read_inner(u.select);
  }
  return 0;
}

entry void write_mmio(uint32_t offset, uint8_t width, uint32_t value) {
  if (width != 4) return;
  switch (offset) {
  case 0x00: u.select = value & 0xff; return;
  case 0x10: write_inner(u.select, value); return;
  case 0x40: end_of_interrupt(value); return;
  }
}

entry void input(uint16_t pin, bool level) {
  unsigned i = pin & 31;
  if (i >= PINS) return;
  if (level) u.levels |= 1u << i;
  else u.levels &= ~(1u << i);
  uint64_t e = u.redirection[i];
  if (e & LEVEL) serve_level(i);
  else if (!(e & MASKED) && active(i)) send(i);
}

entry void initialise(void) {
  u.bus = 1;
  for (unsigned pin = 0; pin < PINS; pin++) u.redirection[pin] = MASKED;
}
