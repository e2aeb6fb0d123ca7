/** Numbers of model-specific registers and bits of control registers (AMD APM vol. 2 §3, appendix A; Intel SDM vol. 3 §2.5). */

/** Model-specific registers that the host side uses. */
export const msr = Object.freeze({
  tsc: 0x10,
  apicBase: 0x1b,
  pat: 0x277,
  tscDeadline: 0x6e0,
  /** The first register of the x2APIC: register offset / 16 follows. */
  x2apic: 0x800,
  efer: 0xc000_0080,
  fsBase: 0xc000_0100,
  gsBase: 0xc000_0101,
  vmCr: 0xc001_0114,
} as const);

/** Bits of CR0. */
export const cr0 = Object.freeze({
  protectedMode: 1n << 0n,
  monitorCoprocessor: 1n << 1n,
  emulation: 1n << 2n,
  taskSwitched: 1n << 3n,
  extensionType: 1n << 4n,
  numericError: 1n << 5n,
  writeProtect: 1n << 16n,
  notWriteThrough: 1n << 29n,
  cacheDisable: 1n << 30n,
  paging: 1n << 31n,
} as const);

/** Bits of CR4. */
export const cr4 = Object.freeze({
  pageSizeExtension: 1n << 4n,
  physicalAddressExtension: 1n << 5n,
  machineCheck: 1n << 6n,
  fxsave: 1n << 9n,
  simdExceptions: 1n << 10n,
  fiveLevelPaging: 1n << 12n,
  fsGsBase: 1n << 16n,
  xsave: 1n << 18n,
  supervisorExecutionPrevention: 1n << 20n,
  supervisorAccessPrevention: 1n << 21n,
  protectionKeys: 1n << 22n,
} as const);

/** Bits of EFER. */
export const efer = Object.freeze({
  systemCalls: 1n << 0n,
  longMode: 1n << 8n,
  longModeActive: 1n << 10n,
  noExecute: 1n << 11n,
  svm: 1n << 12n,
} as const);

/** PAT as after reset: write-back, write-through, UC-, uncached, twice (APM vol. 2 §7.8.2). */
export const patAfterReset = 0x0007_0406_0007_0406n;
