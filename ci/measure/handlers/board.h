/*
 * What surrounds a device in the program that tests compile (dsl/testing/device-program.ts): a recorder of what the device
 * does to the outside. Written once more in C, for handlers that are held against compiled ones.
 */
#include <stdbool.h>
#include <stdint.h>

#define unlikely(x) __builtin_expect(!!(x), 0)
#define likely(x) __builtin_expect(!!(x), 1)
#define entry __attribute__((dllexport))

enum { LOG_LENGTH = 1024 };
enum kind { ARM, CANCEL, LINE, BYTE, READY, MESSAGE };

static struct {
  uint64_t now, epoch;
  uint32_t count;
  uint64_t events[LOG_LENGTH];
} recorder;

static void note(uint64_t kind, uint16_t wire, uint64_t a, uint64_t b) {
  uint32_t at = recorder.count;
  if (at + 2 > LOG_LENGTH) return;
  recorder.events[at] = kind << 60 | (uint64_t)wire << 40 | (b & 0xffffffffff);
  recorder.events[at + 1] = a;
  recorder.count = at + 2;
}

struct line {
  uint16_t wire;
  bool level;
};

static inline void set_line(struct line *line, bool level) {
  if (line->level == level) return;
  line->level = level;
  note(LINE, line->wire, level, 0);
}

struct timer {
  uint64_t deadline;
  uint16_t wire;
  bool armed;
};

static inline void arm(struct timer *timer, uint64_t deadline) {
  timer->deadline = deadline;
  timer->armed = true;
  note(ARM, timer->wire, deadline, 0);
}

static inline void cancel(struct timer *timer) {
  if (!timer->armed) return;
  timer->armed = false;
  note(CANCEL, timer->wire, 0, 0);
}

entry void setTime(uint64_t now, uint64_t epoch) {
  recorder.now = now;
  recorder.epoch = epoch;
}
entry uint32_t eventCount(void) { return recorder.count; }
entry uint64_t event(uint32_t index) { return recorder.events[index & (LOG_LENGTH - 1)]; }
entry void clear(void) { recorder.count = 0; }
