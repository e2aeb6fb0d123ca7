/** How many exits a guest takes, of each kind, as QEMU logs them (`-d in_asm`): a line for each #VMEXIT. */

/** One #VMEXIT as the emulator logs it: the fields of the VMCB (APM vol. 2, appendix B), and RIP. */
export interface LoggedExit {
  readonly code: number;
  readonly info1: bigint;
  readonly rip: bigint;
}

/** Exits by kind; every kind is there, and those of no kind are `other`. */
export type ExitCounts = Readonly<Record<string, number>>;

interface Kind {
  readonly name: string;
  /** First and last exit code (APM vol. 2, appendix C). */
  readonly codes: readonly [number, number];
  /** Where one code is of several kinds: the bits of EXITINFO1 that tell (APM vol. 2, sections 15.10.2 and 15.11). */
  readonly info1?: { readonly mask: bigint; readonly value: bigint };
}

const alone = (code: number): readonly [number, number] => [code, code];
const port = alone(0x7b);
const msr = alone(0x7c);

/** The kinds that the platform names, and what it counts among the rare ones. */
const kinds: readonly Kind[] = [
  { name: "cpuid", codes: alone(0x72) },
  { name: "rdmsr", codes: msr, info1: { mask: 1n, value: 0n } },
  { name: "wrmsr", codes: msr, info1: { mask: 1n, value: 1n } },
  { name: "port-string", codes: port, info1: { mask: 4n, value: 4n } },
  { name: "port-in", codes: port, info1: { mask: 5n, value: 1n } },
  { name: "port-out", codes: port, info1: { mask: 5n, value: 0n } },
  { name: "nested-page-fault", codes: alone(0x400) },
  { name: "control-register", codes: [0, 0x1f] },
  { name: "hlt", codes: alone(0x78) },
  { name: "hypercall", codes: alone(0x81) },
  { name: "exception", codes: [0x40, 0x5f] },
  { name: "interrupt", codes: alone(0x60) },
  { name: "interrupt-window", codes: alone(0x64) },
];
const other = "other";

/** The names of the kinds, in the order in which they are shown. */
export const exitKinds: readonly string[] = [...kinds.map(({ name }) => name), other];

/** None of any kind. */
export const noExits: ExitCounts = Object.fromEntries(exitKinds.map((kind) => [kind, 0]));

/** The kind of an exit. */
export function kindOf({ code, info1 }: LoggedExit): string {
  const found = kinds.find(
    ({ codes: [first, last], info1: told }) =>
      code >= first && code <= last && (told === undefined || (info1 & told.mask) === told.value),
  );
  return found?.name ?? other;
}

const vmexit = /^vmexit\(([0-9a-f]+), ([0-9a-f]+), [0-9a-f]+, ([0-9a-f]+)\)!$/;

/** The exit that a line of the log tells; undefined where it tells something else. */
export function exitOf(line: string): LoggedExit | undefined {
  const [, code, info1, rip] = vmexit.exec(line) ?? [];
  if (code === undefined) return undefined;
  return { code: Number(`0x${code}`), info1: BigInt(`0x${info1}`), rip: BigInt(`0x${rip}`) };
}

/** What {@link ExitLog} has to count until an exit, which is not counted any more. */
export type ExitMark = (exit: LoggedExit) => boolean;

/** Counts the exits of a log, line by line. */
export class ExitCounter {
  private readonly byKind = new Map(Object.entries(noExits));
  private ended = false;

  constructor(private readonly mark: ExitMark) {}

  /** Takes a line; true as soon as the mark has come. */
  line(text: string): boolean {
    const exit = this.ended ? undefined : exitOf(text);
    if (exit === undefined) return this.ended;
    if (this.mark(exit)) this.ended = true;
    else this.byKind.set(kindOf(exit), this.byKind.get(kindOf(exit))! + 1);
    return this.ended;
  }

  get counts(): ExitCounts {
    return Object.fromEntries(this.byKind);
  }
}

/** What a boot has counted beyond what an earlier part of it counts by itself. */
export function exitsBeyond(all: ExitCounts, before: ExitCounts): ExitCounts {
  return Object.fromEntries(exitKinds.map((kind) => [kind, all[kind] - before[kind]]));
}
