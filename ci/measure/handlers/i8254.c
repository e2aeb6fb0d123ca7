/* devices/i8254.ts in C, as one would write it by hand: the same registers, checks, and clock. */
#include "board.h"

/* 105/88 MHz: 21 ticks take 17,600 ns. */
enum { TICKS = 21, NS = 17600, MOST_OWED = 50 };

struct counter {
  uint64_t loaded_at, held_ticks;
  uint32_t period, prior_period;
  uint8_t mode, access;
  bool bcd, gate, waiting, writes_high;
  uint8_t low;
  bool reads_high, count_latched;
  uint16_t latched_count;
  bool status_latched;
  uint8_t latched_status;
};

static struct {
  struct counter units[3];
  uint8_t port_b;
  uint64_t edges;
  struct timer tick;
  struct line irq;
} u;

static uint64_t ticks_now(void) { return recorder.now / NS * TICKS + recorder.now % NS * TICKS / NS; }
static uint64_t ns_at(uint64_t tick) { return tick / TICKS * NS + (tick % TICKS * NS + TICKS - 1) / TICKS; }

static uint16_t from_bcd(uint16_t v) {
  return (v >> 12) * 1000 + (v >> 8 & 15) * 100 + (v >> 4 & 15) * 10 + (v & 15);
}
static uint16_t to_bcd(uint16_t v) {
  return v / 1000 % 10 << 12 | v / 100 % 10 << 8 | v / 10 % 10 << 4 | v % 10;
}

static bool repeats(const struct counter *c) { return c->mode == 2 || c->mode == 3; }

static uint64_t elapsed(const struct counter *c, uint64_t ticks) {
  if (!c->gate) return c->held_ticks;
  if (ticks >= c->loaded_at) return ticks - c->loaded_at;
  uint64_t to_go = c->loaded_at - ticks;
  return c->prior_period > to_go ? c->prior_period - to_go : 0;
}

static uint32_t period_at(const struct counter *c, uint64_t ticks) {
  return c->prior_period && ticks < c->loaded_at ? c->prior_period : c->period;
}

static uint32_t phase(const struct counter *c, uint64_t ticks) {
  uint32_t period = period_at(c, ticks);
  return period ? elapsed(c, ticks) % period : 0;
}

static uint16_t count_at(const struct counter *c, uint64_t ticks) {
  uint32_t period = period_at(c, ticks);
  if (period == 0) return 0;
  if (!repeats(c)) return period - elapsed(c, ticks);
  uint32_t half = (period + 1) >> 1, at = phase(c, ticks);
  return c->mode == 2 ? period - at : (period & ~1u) - 2 * (at < half ? at : at - half);
}

static bool output_at(const struct counter *c, uint64_t ticks) {
  uint32_t period = period_at(c, ticks);
  if (c->waiting || period == 0) return c->mode != 0;
  if (repeats(c)) {
    if (!c->gate) return true;
    uint32_t at = phase(c, ticks);
    return c->mode == 2 ? at != period - 1 : at < (period + 1) >> 1;
  }
  uint64_t passed = elapsed(c, ticks);
  return c->mode < 2 ? passed >= period : passed != period;
}

static uint64_t next_edge(struct counter *c, uint64_t ticks) {
  if (c->period == 0) return ticks;
  uint64_t due = c->loaded_at + u.edges * c->period;
  if (due > ticks) return due;
  uint64_t passed = (ticks - c->loaded_at) / c->period;
  if (passed > u.edges + MOST_OWED) u.edges = passed - MOST_OWED;
  return ticks + (c->period >> 2) + 1;
}

static void schedule_tick(void) {
  struct counter *c = &u.units[0];
  if (c->waiting || c->period == 0) {
    cancel(&u.tick);
    return;
  }
  uint64_t ticks = ticks_now();
  if (repeats(c)) {
    arm(&u.tick, ns_at(next_edge(c, ticks)));
    return;
  }
  uint64_t end = c->loaded_at + c->period + (c->mode == 4);
  if (ticks < end) arm(&u.tick, ns_at(end));
  else cancel(&u.tick);
}

static void load(struct counter *c, uint16_t value) {
  bool first = c == &u.units[0];
  uint32_t period = c->bcd ? from_bcd(value) : value;
  if (period == 0) period = c->bcd ? 10000 : 0x10000;
  uint64_t ticks = ticks_now();
  if (repeats(c) && !c->waiting && c->gate && c->period) {
    uint32_t running = period_at(c, ticks);
    c->loaded_at = ticks + running - phase(c, ticks);
    c->prior_period = running;
    if (first) u.edges = 0;
  } else {
    c->loaded_at = ticks;
    c->prior_period = 0;
    c->held_ticks = 0;
    if (first) u.edges = 1;
  }
  c->period = period;
  c->waiting = c->mode == 1 || c->mode == 5;
  if (!first) return;
  if (c->mode == 0) set_line(&u.irq, false);
  schedule_tick();
}

static void write_count(struct counter *c, uint8_t value) {
  switch (c->access) {
  case 1: load(c, value); return;
  case 2: load(c, value << 8); return;
  }
  if (c->writes_high) {
    c->writes_high = false;
    load(c, value << 8 | c->low);
    return;
  }
  c->low = value;
  c->writes_high = true;
  if (c->mode == 0) c->waiting = true;
}

static uint16_t visible_count(const struct counter *c) {
  uint16_t count = count_at(c, ticks_now());
  return c->bcd ? to_bcd(count) : count;
}

static uint8_t read_count(struct counter *c) {
  if (c->status_latched) {
    c->status_latched = false;
    return c->latched_status;
  }
  uint16_t count = c->count_latched ? c->latched_count : visible_count(c);
  if (c->access != 3) {
    c->count_latched = false;
    return c->access == 2 ? count >> 8 : count;
  }
  bool high = c->reads_high;
  if (high) c->count_latched = false;
  c->reads_high = !high;
  return high ? count >> 8 : count;
}

static void latch_count(struct counter *c) {
  if (c->count_latched) return;
  c->latched_count = visible_count(c);
  c->count_latched = true;
}

static void latch_status(struct counter *c) {
  if (c->status_latched) return;
  uint8_t out = output_at(c, ticks_now()) ? 0x80 : 0;
  c->latched_status = out | c->waiting << 6 | (c->access & 3) << 4 | (c->mode & 7) << 1 | c->bcd;
  c->status_latched = true;
}

static void write_control(uint8_t value) {
  unsigned index = value >> 6;
  if (index == 3) {
    for (index = 0; index < 3; index++) {
      if (!(value & 2 << index)) continue;
      if (!(value & 0x20)) latch_count(&u.units[index]);
      if (!(value & 0x10)) latch_status(&u.units[index]);
    }
    return;
  }
  struct counter *c = &u.units[index];
  uint8_t access = value >> 4 & 3, mode = value >> 1 & 7;
  if (access == 0) {
    latch_count(c);
    return;
  }
  c->access = access;
  c->mode = mode >= 6 ? mode - 4 : mode;
  c->bcd = value & 1;
  c->writes_high = c->reads_high = c->count_latched = c->status_latched = false;
  c->waiting = true;
  c->period = c->prior_period = 0;
  c->held_ticks = 0;
  if (index == 0) {
    cancel(&u.tick);
    set_line(&u.irq, c->mode != 0);
  }
}

static void set_gate(struct counter *c, bool level) {
  if (c->gate == level) return;
  uint64_t ticks = ticks_now();
  if (!level) {
    c->held_ticks = elapsed(c, ticks);
    c->gate = false;
    return;
  }
  c->gate = true;
  c->prior_period = 0;
  bool resumes = c->mode == 0 || c->mode == 4;
  c->loaded_at = resumes ? ticks - c->held_ticks : ticks;
  if (!resumes && c->period) c->waiting = false;
}

static uint8_t read1(uint32_t offset) {
  if (offset < 3) return read_count(&u.units[offset]);
  return 0xff;
}

static void write1(uint32_t offset, uint8_t value) {
  if (offset == 3) write_control(value);
  else if (offset < 3) write_count(&u.units[offset], value);
}

static uint8_t read_b(uint32_t offset) {
  if (offset) return 0xff;
  uint64_t ticks = ticks_now();
  return u.port_b | (ticks / 18 & 1) << 4 | output_at(&u.units[2], ticks) << 5;
}

static void write_b(uint32_t offset, uint8_t value) {
  if (offset) return;
  u.port_b = value & 0x0f;
  set_gate(&u.units[2], value & 1);
}

typedef uint8_t reader(uint32_t offset);
typedef void writer(uint32_t offset, uint8_t value);

static inline uint32_t read_wide(reader *read, uint32_t offset, uint8_t width) {
  uint32_t value = 0;
  for (int i = 0; i < width && i < 4; i++) value |= (uint32_t)read(offset + i) << 8 * i;
  return value;
}

static inline void write_wide(writer *write, uint32_t offset, uint8_t width, uint32_t value) {
  for (int i = 0; i < width && i < 4; i++) write(offset + i, value >> 8 * i);
}

static __attribute__((noinline)) uint32_t wide_counters(uint32_t offset, uint8_t width) {
  return read_wide(read1, offset, width);
}
static __attribute__((noinline)) void widely_counters(uint32_t offset, uint8_t width, uint32_t value) {
  write_wide(write1, offset, width, value);
}
static __attribute__((noinline)) uint32_t wide_port_b(uint32_t offset, uint8_t width) {
  return read_wide(read_b, offset, width);
}
static __attribute__((noinline)) void widely_port_b(uint32_t offset, uint8_t width, uint32_t value) {
  write_wide(write_b, offset, width, value);
}

entry uint32_t read_counters(uint32_t offset, uint8_t width) {
  if (unlikely(width != 1)) return wide_counters(offset, width);
  return read1(offset);
}
entry void write_counters(uint32_t offset, uint8_t width, uint32_t value) {
  if (unlikely(width != 1)) widely_counters(offset, width, value);
  else write1(offset, value);
}
entry uint32_t read_portB(uint32_t offset, uint8_t width) {
  if (unlikely(width != 1)) return wide_port_b(offset, width);
  return read_b(offset);
}
entry void write_portB(uint32_t offset, uint8_t width, uint32_t value) {
  if (unlikely(width != 1)) widely_port_b(offset, width, value);
  else write_b(offset, value);
}

entry void expire(uint16_t ordinal) {
  struct counter *c = &u.units[0];
  if (ordinal != 0 || !u.tick.armed) return;
  u.tick.armed = false;
  if (c->mode) set_line(&u.irq, false);
  set_line(&u.irq, true);
  if (!repeats(c)) return;
  u.edges++;
  schedule_tick();
}

entry void initialise(void) {
  for (int i = 0; i < 3; i++) {
    u.units[i].access = 3;
    u.units[i].waiting = true;
    u.units[i].gate = i < 2;
  }
  u.tick.wire = 1;
  u.irq.wire = 2;
}
