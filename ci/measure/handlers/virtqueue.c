/* dsl/device/virtqueue.ts in C, as one would write it by hand: the same checks (virtio 1.2 section 2.7), over guest memory that
   is one stretch of storage. */
#include <stdbool.h>
#include <stdint.h>
#include <stddef.h>

#define entry __attribute__((dllexport))

enum { RAM_GPA = 0x1000, RAM_BYTES = 0x8000, WRITABLE_BYTES = 0x7000, CAPACITY = 16, CHAIN_BYTES = 0x400000 };
enum { NEXT = 1, WRITE = 2, INDIRECT = 4, NO_INTERRUPT = 1 };
enum { NONE, CHAIN, BROKEN };
enum { NO, YES };

static uint64_t ram[RAM_BYTES / 8];

struct segment {
  uint64_t gpa;
  uint32_t bytes;
  bool writable;
};

static struct {
  uint64_t descriptors, driver, device;
  uint32_t readable, writable;
  uint16_t size, taken, used, signalled, head, count;
  bool ready, indirect, event_index;
  struct segment segments[CAPACITY];
} q;

static bool lies(uint64_t gpa, unsigned width, uint64_t bytes) { return gpa - RAM_GPA <= bytes - width; }
static void *place(uint64_t gpa) { return (uint8_t *)ram + (gpa - RAM_GPA); }

#define ACCESS(bits)                                                                                                   \
  static bool read##bits(uint64_t gpa, uint##bits##_t *value) {                                                        \
    if (!lies(gpa, bits / 8, RAM_BYTES)) return false;                                                                 \
    __builtin_memcpy(value, place(gpa), bits / 8);                                                                     \
    return true;                                                                                                       \
  }
#define UPDATE(bits)                                                                                                   \
  static bool write##bits(uint64_t gpa, uint##bits##_t value) {                                                        \
    if (!lies(gpa, bits / 8, WRITABLE_BYTES)) return false;                                                            \
    __builtin_memcpy(place(gpa), &value, bits / 8);                                                                    \
    return true;                                                                                                       \
  }
ACCESS(16)
ACCESS(64)
UPDATE(16)
UPDATE(32)

static bool append(uint64_t gpa, uint32_t bytes, bool writable) {
  uint16_t count = q.count;
  if (count >= CAPACITY || count >= q.size || (!writable && q.writable)) return false;
  uint64_t before = (uint64_t)q.readable + q.writable;
  if (bytes > CHAIN_BYTES - (before < CHAIN_BYTES ? before : CHAIN_BYTES)) return false;
  q.segments[count] = (struct segment){gpa, bytes, writable};
  if (writable) q.writable += bytes;
  else q.readable += bytes;
  q.count = count + 1;
  return true;
}

static bool walk(void) {
  q.count = 0;
  q.readable = q.writable = 0;
  uint64_t table = q.descriptors;
  uint32_t entries = q.size, index = q.head;
  bool inside = false;
  for (int i = 0; i <= CAPACITY; i++) {
    if (index >= entries) return false;
    uint64_t at = table + (uint64_t)index * 16, address, rest;
    if (!read64(at, &address) || !read64(at + 8, &rest)) return false;
    uint32_t bytes = rest;
    uint16_t flags = rest >> 32, next = rest >> 48;
    if (flags & INDIRECT) {
      if (!q.indirect || inside || flags & (NEXT | WRITE)) return false;
      if (bytes == 0 || bytes % 16 || bytes > CAPACITY * 16) return false;
      inside = true;
      table = address;
      entries = bytes >> 4;
      index = 0;
      continue;
    }
    if (!append(address, bytes, flags & WRITE)) return false;
    if (!(flags & NEXT)) return true;
    index = next;
  }
  return false;
}

entry bool initialise(bool indirect, bool event_index) {
  q.descriptors = 0x2000;
  q.driver = 0x3000;
  q.device = 0x4000;
  q.size = CAPACITY;
  q.indirect = indirect;
  q.event_index = event_index;
  q.taken = q.used = q.signalled = q.count = 0;
  q.ready = !(q.descriptors & 15) && !(q.driver & 1) && !(q.device & 3);
  return q.ready;
}

entry uint8_t take(void) {
  if (!q.ready) return NONE;
  uint64_t driver = q.driver;
  uint16_t offered, head, taken = q.taken;
  if (!read16(driver + 2, &offered)) return BROKEN;
  uint16_t waiting = offered - taken;
  if (waiting == 0 && q.event_index) {
    if (!write16(q.device + 4 + (uint64_t)q.size * 8, taken)) return BROKEN;
    if (!read16(driver + 2, &offered)) return BROKEN;
    waiting = offered - taken;
  }
  if (waiting == 0) return NONE;
  if (waiting > q.size) return BROKEN;
  if (!read16(driver + 4 + (uint64_t)(taken & (q.size - 1)) * 2, &head)) return BROKEN;
  q.head = head;
  q.taken = taken + 1;
  return walk() ? CHAIN : BROKEN;
}

entry bool complete(uint32_t written) {
  uint64_t used = q.device + 4 + (uint64_t)(q.used & (q.size - 1)) * 8;
  if (!write32(used, q.head) || !write32(used + 4, written)) return false;
  q.used++;
  return write16(q.device + 2, q.used);
}

entry uint8_t finish(void) {
  uint16_t used = q.used, since = used - q.signalled, event, flags;
  if (since == 0) return NO;
  q.signalled = used;
  if (q.event_index) {
    if (!read16(q.driver + 4 + (uint64_t)q.size * 2, &event)) return BROKEN;
    return (uint16_t)(used - event - 1) < since ? YES : NO;
  }
  if (!read16(q.driver, &flags)) return BROKEN;
  return flags & NO_INTERRUPT ? NO : YES;
}

entry void set(uint64_t gpa, uint64_t value) {
  if (lies(gpa, 8, RAM_BYTES)) __builtin_memcpy(place(gpa), &value, 8);
}
entry uint32_t word(uint64_t gpa) {
  uint32_t value = 0;
  if (lies(gpa, 4, RAM_BYTES)) __builtin_memcpy(&value, place(gpa), 4);
  return value;
}
entry uint16_t count(void) { return q.count; }
entry uint64_t bytes(void) { return q.readable | (uint64_t)q.writable << 32; }
entry uint64_t gpaOf(uint32_t index) { return q.segments[index & (CAPACITY - 1)].gpa; }
entry uint32_t bytesOf(uint32_t index) { return q.segments[index & (CAPACITY - 1)].bytes; }
