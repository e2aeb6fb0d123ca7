/** Where a bare guest lies in its memory: fixed addresses, so that its first instructions need no relocation. */

/** The program: its image as it is laid out in memory, the entry at its first byte. */
export const imageGpa = 0x100_0000;
/** Bytes kept for the program, its zeroed storage included. */
export const imageBytes = 0x10_0000;
/** Page tables: one page each for the PML4 and the PDPT, four for the page directories. */
export const tablesGpa = 0x70_0000;
/** The GDT and its pseudo-descriptor. */
export const gdtGpa = 0x70_6000;
/** The stack grows down from here; those of the other processors lie above. */
export const stackGpa = 0x80_0000;
/** The second virtual CPU's stack. */
export const secondStackGpa = 0x78_0000;
/** Where the second virtual CPU starts, in real mode: a page below 1 MiB. */
export const startUpGpa = 0x9000;
/** Three pages in which the other processors begin. */
export const startGpa = 0x6_0000n;
/** Memory that nobody has touched before it is measured. */
export const freshGpa = 0x200_0000;

/** Ways to start the program: each has its entry in the first bytes of the assembly, this many bytes apart. */
export const entryBytes = 16;
/** Linux's 32-bit boot protocol, PVH and Multiboot, in the order of their entries. */
export const entryKinds = ["linux", "pvh", "multiboot"] as const;
export type EntryKind = (typeof entryKinds)[number];
