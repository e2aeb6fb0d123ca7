/*
 * Loads UEFI images of handlers, calls functions in them as a script says, and counts the instructions that each call
 * executes inside its image, one step at a time. A breakpoint before and after each call turns the stepping on and off.
 *
 *   harness IMAGE... <SCRIPT     each line: IMAGE'S-INDEX RVA ARGUMENT ARGUMENT ARGUMENT (hexadecimal)
 *                                prints for each: RESULT COUNT
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_IMAGES = 2, MOST_CALLS = 65536, MOST_BYTES = 1 << 22 };

static struct {
  uint32_t current;
  uint32_t count[MOST_CALLS];
} *shared;

static struct {
  uint8_t *at;
  uint32_t size;
} images[MOST_IMAGES];

static void fail(const char *why, const char *what) {
  fprintf(stderr, "%s: %s\n", why, what);
  exit(1);
}

static uint32_t word(const uint8_t *at) {
  uint32_t value;
  memcpy(&value, at, 4);
  return value;
}

/* Microsoft PE and COFF Specification: the headers and sections, laid out in memory. Handlers have no relocations. */
static void load(int index, const char *name) {
  static uint8_t file[MOST_BYTES];
  FILE *in = fopen(name, "rb");
  if (!in || !fread(file, 1, sizeof file, in)) fail("cannot read", name);
  fclose(in);
  const uint8_t *pe = file + word(file + 0x3c);
  if (memcmp(pe, "PE\0\0", 4)) fail("not an image", name);
  uint32_t size = word(pe + 24 + 56);
  uint8_t *at = mmap(0, size, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (at == MAP_FAILED) fail("no memory for", name);
  const uint8_t *section = pe + 24 + (pe[20] | pe[21] << 8);
  for (int i = 0; i < (pe[6] | pe[7] << 8); i++, section += 40) {
    uint32_t bytes = word(section + 16), memory = word(section + 8);
    memcpy(at + word(section + 12), file + word(section + 20), bytes < memory ? bytes : memory);
  }
  images[index].at = at;
  images[index].size = size;
}

typedef uint64_t __attribute__((ms_abi)) function(uint64_t, uint64_t, uint64_t);

#define breakpoint() __asm__ volatile("int3" ::: "memory")

static void run(void) {
  unsigned image;
  uint64_t rva, a, b, c;
  for (uint32_t i = 0; i < MOST_CALLS; i++) {
    if (scanf("%u %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64, &image, &rva, &a, &b, &c) != 5) break;
    function *called = (function *)(images[image].at + rva);
    shared->current = i;
    breakpoint();
    uint64_t result = called(a, b, c);
    breakpoint();
    printf("%" PRIx64 " %u\n", result, shared->count[i]);
  }
  fflush(stdout);
}

/* Whether the instruction that was executed last is a breakpoint. */
static bool at_breakpoint(pid_t child, uint64_t rip) {
  return (ptrace(PTRACE_PEEKTEXT, child, rip - 1, 0) & 0xff) == 0xcc;
}

int main(int count, char **names) {
  if (count < 2 || count > MOST_IMAGES + 1) fail("usage", "harness IMAGE...");
  shared = mmap(0, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  for (int i = 1; i < count; i++) load(i - 1, names[i]);
  pid_t child = fork();
  if (child == 0) {
    ptrace(PTRACE_TRACEME, 0, 0, 0);
    raise(SIGSTOP);
    run();
    _exit(0);
  }
  int status;
  bool stepping = false;
  waitpid(child, &status, 0);
  while (WIFSTOPPED(status)) {
    int signal = WSTOPSIG(status);
    if (signal != SIGTRAP && signal != SIGSTOP) fail("the handlers ended by", strsignal(signal));
    uint64_t rip = (uint64_t)ptrace(PTRACE_PEEKUSER, child, offsetof(struct user_regs_struct, rip), 0);
    bool inside = false;
    for (int i = 0; i < count - 1; i++) inside |= rip - (uint64_t)images[i].at < images[i].size;
    if (inside) shared->count[shared->current]++;
    else if (signal == SIGTRAP && at_breakpoint(child, rip)) stepping = !stepping;
    if (ptrace(stepping ? PTRACE_SINGLESTEP : PTRACE_CONT, child, 0, 0)) break;
    waitpid(child, &status, 0);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
