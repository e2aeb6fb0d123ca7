/** Encodings to judge the decoder by: every opcode under every kind of prefix and operand, and random ones. */
import { Mode } from "../operation.ts";
import { randomNumbers } from "./random.ts";

/** All modes. */
export const modes = [Mode.bits64, Mode.bits32, Mode.bits16] as const;

const legacyPrefixes: readonly number[] = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3];
/** ModRM and what follows: register, base, base and displacements, absolute, with SIB in several shapes. */
const tails: readonly (readonly number[])[] = [
  [0xc1],
  [0x07],
  [0x47, 0xf8],
  [0x98, 0x44, 0x33, 0x22, 0x81],
  [0x05, 0x11, 0x22, 0x33, 0x44],
  [0x04, 0x24],
  [0x2c, 0x9d, 1, 2, 3, 4],
  [0x74, 0x8c, 0x7f],
  [0xbc, 0xe5, 1, 0, 0, 0x80],
  [0x0e, 0x34, 0x12],
];
const filler: readonly number[] = [0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0, 0x12, 0x34];

/** Splits an encoding into its prefixes, REX among them, and the rest. */
export function splitPrefixes(
  bytes: readonly number[],
  mode: Mode,
): { readonly prefixes: readonly number[]; readonly rest: readonly number[] } {
  const found = bytes.findIndex((b) => !isPrefix(b, mode));
  const count = found < 0 ? bytes.length : found;
  return { prefixes: bytes.slice(0, count), rest: bytes.slice(count) };
}

function isPrefix(byte: number, mode: Mode): boolean {
  return legacyPrefixes.includes(byte) || (mode === Mode.bits64 && (byte & 0xf0) === 0x40);
}

function complete(bytes: readonly number[]): readonly number[] {
  return [...bytes, ...filler, ...filler].slice(0, 15);
}

/** Every opcode of the one-byte, 0F, 0F 38 and 0F 3A maps with each prefix and each shape of operand. */
export function everyOpcode(mode: Mode): readonly (readonly number[])[] {
  const all = Array.from({ length: 256 }, (_, i) => i);
  const opcodes = [
    ...all.filter((o) => !isPrefix(o, mode) && o !== 0x0f).map((o) => [o]),
    ...all.filter((o) => o !== 0x38 && o !== 0x3a).map((o) => [0x0f, o]),
  ];
  const prefixes =
    mode === Mode.bits64
      ? [[], [0x66], [0xf3], [0xf2], [0x67], [0x48], [0x66, 0x4d], [0x64, 0x43]]
      : [[], [0x66], [0xf3], [0xf2], [0x67], [0x65]];
  const plain = prefixes.flatMap((p) =>
    opcodes.flatMap((o) => tails.map((t) => complete([...p, ...o, ...t]))),
  );
  const three = all.flatMap((o) => [
    [0x0f, 0x38, o],
    [0x0f, 0x3a, o],
  ]);
  const groups = [
    [0x0f, 0x00],
    [0x0f, 0x01],
    [0x0f, 0xae],
    [0x0f, 0xba],
    [0x0f, 0xc7],
    [0xf6],
    [0xf7],
    [0xfe],
    [0xff],
    [0x80],
    [0x8f],
    [0xc6],
    [0xc7],
  ];
  return [
    ...plain,
    ...[[], [0x66], [0xf2]].flatMap((p) =>
      three.flatMap((o) => tails.slice(0, 3).map((t) => complete([...p, ...o, ...t]))),
    ),
    ...groups.flatMap((g) => all.map((modrm) => complete([...g, modrm]))),
  ];
}

/** Random encodings, with up to three prefixes in any order (REX last), VEX, EVEX and XOP among them. */
export function randomEncodings(mode: Mode, count: number, seed: number): readonly (readonly number[])[] {
  const random = randomNumbers(seed);
  const pick = (from: readonly number[]): number => from[random(from.length)]!;
  return Array.from({ length: count }, () => {
    const bytes: number[] = [];
    for (let n = random(4) >> (random(2) as 0 | 1); n > 0; n--)
      bytes.push(pick(legacyPrefixes.filter((p) => p !== 0xf0)));
    if (mode === Mode.bits64 && random(2) === 0) bytes.push(0x40 + random(16));
    const kind = random(10);
    if (kind < 4) {
      let opcode = random(256);
      while (isPrefix(opcode, mode)) opcode = random(256);
      bytes.push(opcode);
    } else if (kind < 8) bytes.push(0x0f, random(256));
    else bytes.push(pick([0xc4, 0xc5, 0x8f, 0x62]));
    while (bytes.length < 15)
      bytes.push(random(3) === 0 ? pick([0, 4, 5, 0x25, 0x84, 0xc0, 0x44]) : random(256));
    return bytes.slice(0, 15);
  });
}
