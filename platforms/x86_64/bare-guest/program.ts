/**
 * A guest of our own on the bare virtual machine: it measures exits, or does what letters on its console ask for. With
 * a command line it does what the letters of its last word say, and then waits for more where its console can be typed on.
 */
import { load8 } from "../../../dsl/core/intrinsics.ts";
import { u64, u8 } from "../../../dsl/core/int.ts";
import type { Program } from "../../../dsl/core/program.ts";
import { addressOfFunction } from "../../asm.ts";
import { say, sayByte } from "../console-text.ts";
import { cli, cpuidEcx, hlt, in8, readCr4, writeCr4 } from "../instructions.ts";
import { runAttacks } from "./attacks/run.ts";
import { openConsole } from "./console.ts";
import { ringDoorbells, takeDoorbells } from "./doorbells.ts";
import { takeFaults } from "./faults.ts";
import { fillMemory } from "./filling.ts";
import {
  executeGarbage,
  floatFromDevice,
  floodUart,
  haltForever,
  jumpToDevice,
  jumpToNothing,
  leaveLongMode,
  nestedVirtualisation,
  nonsenseInControlRegisters,
  nonsenseInMsrs,
  randomWrites,
  reservedBitInCr0,
  reservedBitInCr3,
  tripleFault,
} from "./hostile.ts";
import { tryHypercalls, tryViridian } from "./interfaces.ts";
import { keepOnAll, spinForever } from "./keeping.ts";
import { measure, measureOne } from "./measure.ts";
import { sendToSecond } from "./pair.ts";
import { measurePorts } from "./ports.ts";
import { checkAcrossExits, markRegisters, tellStart } from "./registers.ts";
import { computeForever, countRounds, measureYield, yieldForever } from "./sharing.ts";
import { startOf } from "./start.ts";
import { awaitSeconds, tick } from "./ticking.ts";

const osxsave = 1n << 18n;
/** CPUID leaf 1, ECX: XSAVE. */
const hasXsave = 1 << 26;
const space = 0x20;
/** The letter of the first operation that can be measured alone. */
export const firstOperation = 0x41;
const longestLine = 255n;

function obey(letter: u8): void {
  switch (letter) {
    case 0x61: // a
      checkAcrossExits();
      break;
    case 0x62: // b
      measurePorts();
      break;
    case 0x63: // c
      nonsenseInControlRegisters();
      break;
    case 0x64: // d
      jumpToDevice();
      break;
    case 0x65: // e
      awaitSeconds(3);
      break;
    case 0x66: // f
      floodUart();
      break;
    case 0x46: // F
      fillMemory();
      break;
    case 0x67: // g
      executeGarbage();
      break;
    case 0x68: // h
      haltForever();
      break;
    case 0x42: // B
      computeForever();
      break;
    case 0x49: // I
      sendToSecond();
      break;
    case 0x6a: // j
      takeDoorbells();
      break;
    case 0x4a: // J
      ringDoorbells();
      break;
    case 0x4b: // K
      countRounds();
      break;
    case 0x6d: // m
      measure();
      break;
    case 0x6e: // n
      jumpToNothing();
      break;
    case 0x6f: // o, and the operation's letter
      measureOne(u8(waitForByte() - firstOperation));
      break;
    case 0x69: // i
      reservedBitInCr0();
      break;
    case 0x48: // H
      runAttacks();
      break;
    case 0x6b: // k
      tick();
      break;
    case 0x6c: // l
      leaveLongMode();
      break;
    case 0x70: // p
      reservedBitInCr3();
      break;
    case 0x71: // q
      measureYield();
      break;
    case 0x52: // R
      keepOnAll();
      break;
    case 0x72: // r
      randomWrites();
      break;
    case 0x53: // S
      spinForever();
      break;
    case 0x73: // s
      nonsenseInMsrs();
      break;
    case 0x74: // t
      tripleFault();
      break;
    case 0x75: // u
      yieldForever();
      break;
    case 0x76: // v
      nestedVirtualisation();
      break;
    case 0x77: // w
      markRegisters();
      tripleFault();
      break;
    case 0x79: // y
      tryHypercalls();
      break;
    case 0x7a: // z
      tryViridian();
      break;
    case 0x78: // x
      floatFromDevice();
      break;
    default:
      sayByte(letter);
      say(" means nothing\n");
      break;
  }
}

const lineStatus = 0x3fd;
const receiver = 0x3f8;

function waitForByte(): u8 {
  while ((in8(lineStatus) & 1) === 0) continue;
  return in8(receiver);
}

/** Obeys the last word of a command line: some loaders put the program's name in front of it. */
function obeyLine(line: u64): void {
  let word: u64 = line;
  for (let i = 0n; i < longestLine; i += 1n) {
    const letter = load8(u64(line + i));
    if (letter === 0) break;
    if (letter === space) word = u64(line + i + 1n);
  }
  for (let i = 0n; i < longestLine; i += 1n) {
    const letter = load8(u64(word + i));
    if (letter === 0) break;
    obey(letter);
  }
}

function main(commandLine: u64): never {
  const answers = openConsole();
  takeFaults();
  if ((cpuidEcx(1, 0) & hasXsave) !== 0) writeCr4(u64(readCr4() | osxsave));
  say("bare guest\n");
  tellStart();
  if (commandLine !== 0n) obeyLine(commandLine);
  while (answers) {
    say("ready\n");
    obey(waitForByte());
  }
  cli();
  for (;;) hlt();
}

const entry = startOf(main);

/** Names the assembly, so that it is in the program; nothing calls it. */
function entryAddress(): u64 {
  return addressOfFunction(entry);
}

/** Its symbols: the compiled program, and the assembly in front of it. */
export const symbols = Object.freeze({ main: "guest_main", entry: "guest.start" });

/** The program. */
export function bareGuest(): Program {
  return {
    name: "bare-guest",
    entries: [
      { symbol: symbols.main, fn: main, params: [u64], result: undefined },
      { symbol: "guest_entry_address", fn: entryAddress, params: [], result: u64 },
    ],
  };
}
