/** Random drivers against a virtio device's program, on both sides: rings that are right, nearly right and nonsense. */
import { ramBytes, ramGpa } from "../../../dsl/testing/program-memory.ts";
import { randomFrom, type TwoSides } from "../../../dsl/testing/random-twin.ts";

export interface RandomRings {
  readonly seed: number;
  readonly steps: number;
  readonly queues: number;
  /** Descriptors of each queue. */
  readonly size: number;
  /** Features that are agreed upon now and then. */
  readonly features: bigint;
  /** Queues whose chains are for the device to write. */
  readonly filled?: readonly number[];
  /** Input pins that change now and then. */
  readonly pins?: number;
  /** What happens after a notification: the host ends what is under way. */
  readonly afterwards?: (random: (below: number) => number) => void;
  /** Bytes of what a request of this device begins with; 16 if nothing is said. */
  readonly requestBytes?: number;
  /** Writes them. */
  readonly request?: (
    random: (below: number) => number,
    put: (at: number, width: number, value: number) => void,
  ) => void;
}

/** What became of it: the first difference, and how many chains were given back, so that a test sees that some were. */
export interface RingsOutcome {
  readonly difference: string | undefined;
  readonly completed: number;
  readonly failed: number;
}

/** Drives `steps` random steps. */
export function driveRings(two: TwoSides, options: RandomRings): RingsOutcome {
  const { queues, size, features } = options;
  const raw = randomFrom(options.seed);
  // Its neighbours depend on each other bit by bit; the upper bits of a product do not.
  const random = (below: number): number => {
    const mixed = Math.imul(raw(2 ** 32), 0x9e37_79b1) >>> 0;
    return below > 2 ** 20 ? mixed % below : (mixed >>> 8) % below;
  };
  const ram = Number(ramGpa);
  let difference: string | undefined;
  let completed = 0;
  let failed = 0;
  const call = (symbol: string, ...args: (number | bigint | boolean)[]): number => {
    const { node, native } = two.call(symbol, ...args);
    if (node !== native)
      difference ??= `${symbol} ${args.join(" ")}: ${String(node)} in Node, ${String(native)} natively`;
    return Number(node ?? 0);
  };
  const put = (at: number, width: number, value: number | bigint): void =>
    void call("setMemory", BigInt(at), width, BigInt(value));
  const common = (at: number, width: number, value: number): void =>
    void call("write_common", at, width, value);
  const base = (queue: number): number => ram + queue * 0x800;
  const data = ram + 0x3000;
  const offered: number[] = Array.from({ length: queues }, () => 0);
  const one = <T>(list: readonly T[]): T => list[random(list.length)]!;

  const start = (): void => {
    call("write_configuration", 4, 2, one([6, 6, 6, 6, 2, 0]));
    call("write_configuration", 0x42, 2, one([0x8000, 0x8000, 0]));
    for (let i = 0; i <= queues; i++) {
      call("write_vectors", 16 * i, 4, 0xfee0_0000);
      call("write_vectors", 16 * i + 8, 4, 0x40 + i);
      call("write_vectors", 16 * i + 12, 4, random(8) === 0 ? 1 : 0);
    }
    for (const status of [0, 1, 3]) common(0x14, 1, status);
    const chosen = (features & ((BigInt(random(2 ** 31)) << 2n) | BigInt(random(4)))) | (1n << 32n);
    for (const word of [0, 1]) {
      common(8, 4, word);
      common(0xc, 4, Number((chosen >> BigInt(32 * word)) & 0xffff_ffffn));
    }
    common(0x14, 1, 11);
    for (let q = 0; q < queues; q++) {
      offered[q] = 0;
      put(base(q) + 0x402, 2, 0);
      put(base(q) + 0x602, 2, 0);
      put(base(q) + 0x400, 2, random(4) === 0 ? 1 : 0);
      common(0x16, 2, q);
      common(0x18, 2, random(16) === 0 ? random(20) : size);
      common(0x1a, 2, q + 1);
      const places = [base(q), base(q) + 0x400, base(q) + 0x600];
      places.forEach((place, i) => {
        common(0x20 + 8 * i, 4, random(64) === 0 ? random(2 ** 32) : place);
        common(0x24 + 8 * i, 4, 0);
      });
      common(0x1c, 2, 1);
    }
    common(0x14, 1, 15);
  };
  const place = (): number | bigint =>
    random(40) === 0
      ? one([0, ram - 4, ram + ramBytes - 4, ram + 0x7000 - 4, 0xffff_ffff_ffff_fff0n, 0x8000_0000_0000n])
      : data + random(0x2000);
  const describe = (table: number, index: number, writable: boolean, next: number | undefined): void => {
    put(table + 16 * index, 8, place());
    put(
      table + 16 * index + 8,
      4,
      random(60) === 0 ? random(2 ** 32) : one([0, 1, 16, 64, 512, random(700)]),
    );
    const flags = (writable ? 2 : 0) | (next === undefined ? 0 : 1) | (random(64) === 0 ? random(8) : 0);
    put(table + 16 * index + 12, 2, flags);
    put(table + 16 * index + 14, 2, next ?? random(size));
  };
  const offer = (q: number): void => {
    // A request has a header that is read and an answer that is written.
    const asks = options.request === undefined ? 0 : 1;
    const length = 1 + asks + random(4);
    const readable = options.filled?.includes(q) === true ? 0 : asks + random(length - asks);
    const direct = random(3) !== 0;
    const table = direct ? base(q) : data + 0x2800;
    for (let i = 0; i < length; i++) {
      const last = i + 1 === length;
      describe(table, i, i >= readable, last ? undefined : random(48) === 0 ? random(size + 2) : i + 1);
    }
    if (options.request !== undefined && direct && random(4) !== 0) {
      put(table, 8, data);
      put(table + 8, 4, options.requestBytes ?? 16);
      put(table + 12, 2, length > 1 ? 1 : 0);
      options.request(random, (at, width, value) => put(data + at, width, value));
    }
    let head = 0;
    if (!direct) {
      head = size - 1;
      put(base(q) + 16 * head, 8, table);
      put(base(q) + 16 * head + 8, 4, random(16) === 0 ? random(200) : 16 * length);
      put(base(q) + 16 * head + 12, 4, 4);
    }
    put(base(q) + 0x404 + 2 * ((offered[q] ?? 0) % size), 2, random(48) === 0 ? random(2 ** 16) : head);
    offered[q] = ((offered[q] ?? 0) + 1) & 0xffff;
    put(base(q) + 0x402, 2, random(64) === 0 ? random(2 ** 16) : offered[q]!);
    put(base(q) + 0x404 + 2 * size, 2, (offered[q]! - 1) & 0xffff);
    const before = call("memoryWord", BigInt(base(q) + 0x602));
    call("write_notify", 4 * q, 2, q);
    options.afterwards?.(random);
    completed += (call("memoryWord", BigInt(base(q) + 0x602)) - before) & 0xffff;
    if ((call("read_common", 0x14, 1) & 0x40) !== 0) failed++;
  };
  call("initialise");
  call("setTime", 1000n, 0n);
  start();
  for (let i = 0; i < options.steps && difference === undefined; i++) {
    const kind = random(16);
    if (kind === 0 || (call("read_common", 0x14, 1) & 0x40) !== 0) start();
    else if (kind === 1) call("expire", random(8));
    else if (kind === 2) common(4 * random(14), 4, random(2 ** 32));
    else if (kind === 3 && options.pins !== undefined) call("input", random(options.pins), random(3) !== 0);
    else offer(random(queues));
    const events = call("eventCount");
    for (let e = 0; e < events; e++) call("event", e);
    call("clear");
    call("stateHash");
    if (i % 8 === 0) call("memoryHash");
  }
  return { difference, completed, failed };
}
