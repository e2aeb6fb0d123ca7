/**
 * Checking again with every edit. What the process knows stays warm: parsed files, and what TypeScript's check
 * has found in those that an edit does not concern. An edited device is compiled by itself first, so that its errors are told at once; where it has none,
 * the image is looked at as a whole. A file that many share (`dsl/`) costs a check of everything that sees it.
 */
import { existsSync, readFileSync, watch, type FSWatcher } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { performance } from "node:perf_hooks";
import { checkDevices, checkSource } from "./check.ts";
import type { WarmCheck } from "./source/type-check.ts";
import { stratumOfPath } from "./strata/stratum.ts";
import { projectRootOf } from "./source/load.ts";

/** What a watch tells. */
export interface WatchOutput {
  /** A check begins, of what is named. */
  begin(): void;
  /** The devices that were edited are in order, and the whole is looked at: which, and how long it took in milliseconds. */
  edited(what: string, ms: number): void;
  /** Everything is in order: what was checked, and how long it took in milliseconds. */
  fine(what: string, ms: number): void;
  /** A check has failed; what `checkSource` throws. */
  failed(error: unknown): void;
}

/** A watch that runs until it is closed. */
export interface Watch {
  close(): void;
}

/** An editor writes a file in several steps, which come within this. */
const quietMs = 20;
/** A file that was emptied is about to be written; after this it is empty for good. */
const emptyMs = 1000;

/** Checks a file now, and again whenever one of the files that it is made of changes. */
export function watchSource(path: string, output: WatchOutput): Watch {
  const file = resolve(path);
  const project = projectRootOf(file);
  const warm: WarmCheck = {};
  const warmDevices = new Map<string, WarmCheck>();
  const watchers = new Map<string, FSWatcher>();
  /** The texts that the last check has seen. */
  const seen = new Map<string, string | undefined>();
  /** Sources that were touched and that the last check has not seen: one that it missed may be among them. */
  const unseen = new Set<string>();
  let failed = false;
  let timer: NodeJS.Timeout | undefined;

  const textOf = (name: string): string | undefined =>
    existsSync(name) ? readFileSync(name, "utf8") : undefined;

  /** Watches the folders of all files; an editor may put a new file in an old one's place. */
  const follow = (before: ReadonlyMap<string, string | undefined>): void => {
    const programs = [warm, ...warmDevices.values()].flatMap(({ program }) => program ?? []);
    // What was a part may be one again.
    const files = new Set([
      file,
      ...seen.keys(),
      ...programs.flatMap((p) => p.getSourceFiles().map((f) => f.fileName)),
    ]);
    unseen.clear();
    for (const name of files) {
      if (name.includes("/node_modules/")) continue;
      seen.set(name, before.has(name) ? before.get(name) : warm.program?.getSourceFile(name)?.text);
      const folder = dirname(name);
      if (watchers.has(folder) || !existsSync(folder)) continue;
      watchers.set(
        folder,
        watch(folder, (_, touched) => {
          const path = touched === null ? "" : join(folder, touched);
          if (path.endsWith(".ts") && !seen.has(path)) unseen.add(path);
          changed();
        }),
      );
    }
  };
  const changed = (patienceMs = quietMs): void => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      const edited = [...seen].filter(([name, text]) => textOf(name) !== text).map(([name]) => name);
      if (patienceMs < emptyMs && edited.some((name) => textOf(name) === "")) changed(emptyMs);
      else if (edited.length > 0 || (failed && unseen.size > 0)) examine(edited);
    }, patienceMs);
  };

  const warmDevice = (name: string): WarmCheck => {
    const known = warmDevices.get(name) ?? {};
    warmDevices.set(name, known);
    return known;
  };
  const examine = (edited: readonly string[]): void => {
    output.begin();
    const start = performance.now();
    const before = new Map([...seen.keys()].map((name) => [name, textOf(name)]));
    let answer: () => void;
    try {
      const devices = edited
        .filter((n) => n !== file && existsSync(n) && stratumOfPath(relative(project, n)) === "model")
        .flatMap((name) => checkDevices(name, { warm: warmDevice(name) }));
      if (devices.length > 0) output.edited(devices.join(", "), performance.now() - start);
      const what = checkSource(file, { warm });
      failed = false;
      answer = () => output.fine(what, performance.now() - start);
    } catch (error) {
      failed = true;
      answer = () => output.failed(error);
    }
    // Who sees the answer may edit at once.
    follow(before);
    answer();
    changed();
  };

  examine([]);
  return {
    close() {
      clearTimeout(timer);
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}
