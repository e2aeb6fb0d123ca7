/*
 * A plugin of QEMU that counts what each CPU of the machine executes, and tells the counts where a CPU enters a guest,
 * where it is out of it, where the hypervisor halts, and where a guest executes a NOP that has a number. Each is a line
 * of a file:
 *
 *     EVENT CPU EXECUTED IN-GUEST WAITS
 *
 * EVENT is "enter", "leave", "halt" or the NOP's number. EXECUTED counts instructions that the CPU has executed, an
 * element of a repeated string instruction as one; IN-GUEST those of them that a guest did; WAITS the PAUSEs that the
 * hypervisor did. At "enter" VMRUN is counted, at "halt" HLT; at "leave" nothing that came after the guest.
 *
 * Arguments: to=PATH
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

/* QEMU's interface for plugins, version 1 (docs/devel/tcg-plugins.rst), of which Debian has no header. */
typedef uint64_t qemu_plugin_id_t;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { callback_reads_no_registers };
void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t, void (*)(qemu_plugin_id_t, struct qemu_plugin_tb *));
void qemu_plugin_register_vcpu_insn_exec_cb(
    struct qemu_plugin_insn *, void (*)(unsigned, void *), int flags, void *argument);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *, size_t);
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *);
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *);
__attribute__((visibility("default"))) int qemu_plugin_version = 1;

enum { most_cpus = 64 };
static struct {
  uint64_t executed, in_guest, waits;
  bool is_guest;
} cpus[most_cpus];
static FILE *file;
static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;

static void tell(unsigned cpu, const char *event) {
  pthread_mutex_lock(&order);
  fprintf(file, "%s %u %" PRIu64 " %" PRIu64 " %" PRIu64 "\n", event, cpu, cpus[cpu].executed, cpus[cpu].in_guest,
          cpus[cpu].waits);
  fflush(file);
  pthread_mutex_unlock(&order);
}

/* Each of these is called before its instruction is executed. */
static void count(unsigned cpu, void *argument) {
  cpus[cpu].executed++;
  cpus[cpu].in_guest += cpus[cpu].is_guest;
}

static void vmrun(unsigned cpu, void *argument) {
  count(cpu, argument);
  tell(cpu, "enter");
  cpus[cpu].is_guest = true;
}

/* The hypervisor's first instruction behind VMRUN. */
static void vmsave(unsigned cpu, void *argument) {
  if (cpus[cpu].is_guest) {
    cpus[cpu].is_guest = false;
    tell(cpu, "leave");
  }
  count(cpu, argument);
}

static void pause(unsigned cpu, void *argument) {
  count(cpu, argument);
  cpus[cpu].waits += !cpus[cpu].is_guest;
}

static void hlt(unsigned cpu, void *argument) {
  count(cpu, argument);
  if (!cpus[cpu].is_guest) tell(cpu, "halt");
}

static void mark(unsigned cpu, void *number) {
  char event[16];
  if (cpus[cpu].is_guest) {
    snprintf(event, sizeof event, "%u", (unsigned)(uintptr_t)number);
    tell(cpu, event);
  }
  count(cpu, number);
}

/* NOPL of 32 bits with the displacement 0x5456NNNN. */
static bool is_mark(const uint8_t *code, size_t size) {
  static const uint8_t start[] = {0x0f, 0x1f, 0x80}, end[] = {0x56, 0x54};
  return size == 7 && memcmp(code, start, sizeof start) == 0 && memcmp(code + 5, end, sizeof end) == 0;
}

static void translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
  for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
    struct qemu_plugin_insn *instruction = qemu_plugin_tb_get_insn(block, i);
    const uint8_t *code = qemu_plugin_insn_data(instruction);
    size_t size = qemu_plugin_insn_size(instruction);
    void (*callback)(unsigned, void *) = count;
    uintptr_t number = 0;
    if (size == 3 && memcmp(code, "\x0f\x01\xd8", 3) == 0) callback = vmrun;
    else if (size == 3 && memcmp(code, "\x0f\x01\xdb", 3) == 0) callback = vmsave;
    else if (size == 2 && memcmp(code, "\xf3\x90", 2) == 0) callback = pause;
    else if (size == 1 && code[0] == 0xf4) callback = hlt;
    else if (is_mark(code, size)) {
      callback = mark;
      number = (uintptr_t)(code[3] | code[4] << 8);
    }
    qemu_plugin_register_vcpu_insn_exec_cb(instruction, callback, callback_reads_no_registers, (void *)number);
  }
}

__attribute__((visibility("default"))) int qemu_plugin_install(
    qemu_plugin_id_t id, const void *info, int count_of_arguments, char **arguments) {
  for (int i = 0; i < count_of_arguments; i++)
    if (strncmp(arguments[i], "to=", 3) == 0) file = fopen(arguments[i] + 3, "w");
  if (file == NULL) return -1;
  qemu_plugin_register_vcpu_tb_trans_cb(id, translate);
  return 0;
}
