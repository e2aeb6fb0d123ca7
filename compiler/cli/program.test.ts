import test from "ava";
import type { BootOptions, Machine } from "../../ci/qemu.ts";
import { ConsoleMismatch } from "../../ci/console.ts";
import type { BuildOptions, BuildResult } from "../build.ts";
import { diagnostic, DiagnosticError } from "../diagnostics/diagnostic.ts";
import { InputFailure, MachineFailure } from "../failure.ts";
import type { CtlOptions } from "./ctl.ts";
import { runCommandLine } from "./program.ts";
import type { Services } from "./services.ts";

const thisFile = new URL(import.meta.url).pathname;

const report: BuildResult["report"] = {
  name: "hello",
  cpuCapacity: 12,
  hypervisorBytes: 61_234,
  payloadBytes: 14_000_000,
  ledger: { byFile: {}, byFeature: { "devices/uart16550": 640, "kernel/kernel": 12_271 } },
  memory: [{ name: "guest", sizeBytes: 2048 * 2 ** 20, note: "" }],
  sha256: {},
  longestExitPath: { instructions: "unbounded", path: [] },
  exitPath: {},
};

interface Played {
  readonly services: Services;
  readonly built: BuildOptions[];
  readonly booted: BootOptions[];
  readonly killed: () => number;
  readonly printed: () => string;
  readonly complained: () => string;
}

function play(overrides: Partial<Services> = {}, machine: Partial<Machine> = {}): Played {
  const built: BuildOptions[] = [];
  const booted: BootOptions[] = [];
  let [printed, complained, killed] = ["", "", 0];
  const services: Services = {
    build: (options) => {
      built.push(options);
      return Promise.resolve({
        name: "hello",
        efi: "out/hello/hello.efi",
        img: "out/hello/hello.img",
        report,
      });
    },
    check: () => "hello",
    showTrace: () => undefined,
    watch: () => Promise.reject(new Error("not here")),
    start: () => ({ project: process.cwd(), written: [], changed: [] }),
    boot: (options) => {
      booted.push(options);
      options.onConsole?.(Buffer.from("guest:/root# "));
      return Promise.resolve({
        expect: () => Promise.resolve({ text: "", groups: [], before: "" }),
        exit: () => Promise.resolve({ status: 0, signal: undefined }),
        kill: () => {
          killed++;
          return Promise.resolve({ status: undefined, signal: "SIGKILL" });
        },
        complaints: "",
        ...machine,
      } as Machine);
    },
    bootOnTerminal: (options) => {
      booted.push(options);
      return Promise.resolve(0);
    },
    control: () => Promise.resolve(),
    examine: () => Promise.resolve([{ what: "g++", reason: "compiles", remedy: undefined }]),
    print: (text) => void (printed += text),
    complain: (text) => void (complained += text),
    color: false,
    ...overrides,
  };
  return {
    services,
    built,
    booted,
    killed: () => killed,
    printed: () => printed,
    complained: () => complained,
  };
}

test("build hands over the image, the folder and --debug, and tells the files, the sizes and the ledger", async (t) => {
  const { services, built, printed } = play();
  t.is(await runCommandLine(["build", thisFile, "--out", "elsewhere", "--debug"], services), 0);
  t.deepEqual(built, [{ image: thisFile, out: "elsewhere", debug: true }]);
  t.is(
    printed(),
    "hello: 61,234 B hypervisor, 14,000,000 B payloads\n  out/hello/hello.efi\n  out/hello/hello.img\n" +
      "  12,271 B  kernel/kernel\n     640 B  devices/uart16550\n",
  );
});

test("check tells the name of what has no errors, and builds nothing", async (t) => {
  const checked: string[] = [];
  const check = (file: string): string => {
    checked.push(file);
    return "hello";
  };
  const { services, built, printed } = play({ check });
  t.is(await runCommandLine(["check", thisFile], services), 0);
  t.deepEqual([checked, built], [[thisFile], []]);
  t.is(printed(), "hello: no errors\n");
});

test("check --watch goes on, and checks nothing by itself", async (t) => {
  const watched: string[] = [];
  const { services, printed } = play({
    watch: (file) => {
      watched.push(file);
      return Promise.resolve() as Promise<never>;
    },
  });
  t.is(await runCommandLine(["check", "--watch", thisFile], services), 0);
  t.deepEqual([watched, printed()], [[thisFile], ""]);
});

test("new tells what was written, and what to do next", async (t) => {
  const start: Services["start"] = (kind, name) => ({
    project: process.cwd(),
    written: [`${kind}s/${name}.ts`],
    changed: ["devices/catalogue.ts"],
  });
  const { services, printed, complained } = play({ start });
  t.is(await runCommandLine(["new", "device", "mailbox"], services), 0);
  t.is(
    printed(),
    "wrote devices/mailbox.ts\nchanged devices/catalogue.ts\nnext: typevisor check devices/mailbox.ts\n",
  );
  t.is(await runCommandLine(["new", "kernel", "mailbox"], services), 1);
  t.regex(complained(), /starts a device or an image, not "kernel"/);
});

test("run boots on the terminal with memory for the guest and the firmware, and says how to leave", async (t) => {
  const { services, booted, printed } = play();
  t.is(await runCommandLine(["run", thisFile, "--", "-cpu", "qemu64"], services), 0);
  t.is(booted[0].image, "out/hello/hello.img");
  t.is(booted[0].memoryMiB, 2304);
  t.is(booted[0].cpus, 8);
  t.deepEqual(booted[0].extra, ["-cpu", "qemu64"]);
  t.is(booted[0].onConsole, undefined);
  t.regex(printed(), /Ctrl-A X leaves/);
});

test("run gives the machine as many CPUs as --cpus says, more than the image uses too", async (t) => {
  const { services, booted } = play();
  t.is(await runCommandLine(["run", thisFile, "--cpus", "16"], services), 0);
  t.is(booted[0]?.cpus, 16);
});

test("run --expect waits for each text in turn, shows the console, and ends the machine", async (t) => {
  const expected: unknown[] = [];
  const limits: (number | undefined)[] = [];
  const { services, killed, printed } = play(undefined, {
    expect: (pattern, options) => {
      expected.push(pattern);
      limits.push(options?.limitMs);
      return Promise.resolve({ text: "", groups: [], before: "" });
    },
  });
  const argv = ["run", thisFile, "--expect", "Welcome", "--expect", "# ", "--timeout", "90"];
  t.is(await runCommandLine(argv, services), 0);
  t.deepEqual(expected, ["Welcome", "# "]);
  t.true(limits.every((limit) => limit !== undefined && limit <= 90_000 && limit > 0));
  t.is(killed(), 1);
  t.regex(printed(), /guest:\/root# /);
});

test("what the console does not say in time is exit code 1, with the reason, and the machine is ended", async (t) => {
  const { services, killed, complained } = play(undefined, {
    expect: () => Promise.reject(new ConsoleMismatch("the console did not say it within 5 s")),
  });
  t.is(await runCommandLine(["run", thisFile, "--expect", "# ", "--timeout", "5"], services), 1);
  t.regex(complained(), /did not say it within 5 s/);
  t.is(killed(), 1);
});

test("run --headless ends with the machine, and a QEMU that fails is exit code 1", async (t) => {
  t.is(await runCommandLine(["run", thisFile, "--headless"], play().services), 0);
  const failing = play(undefined, {
    exit: () => Promise.resolve({ status: 1, signal: undefined }),
    complaints: "-nonsense: invalid option",
  });
  t.is(await runCommandLine(["run", thisFile, "--headless"], failing.services), 1);
  t.regex(failing.complained(), /QEMU ended with status 1\n-nonsense: invalid option/);
});

for (const [what, error, code] of [
  ["a wrong image", new InputFailure("register overlaps"), 1],
  ["a missing program", new MachineFailure("sfdisk is not installed"), 2],
  ["anything else", new TypeError("undefined is not a function"), 3],
] as const) {
  test(`${what} ends the build with exit code ${code} and its message`, async (t) => {
    const { services, complained } = play({ build: () => Promise.reject(error) });
    t.is(await runCommandLine(["build", thisFile], services), code);
    t.true(complained().includes(error.message));
    t.is(complained().includes("bug of Typevisor"), code === 3);
  });
}

test("what is wrong in a source is told with its place, the code there, and the page that explains it", async (t) => {
  const text = "const a = 1;\nguest({ memory: 5 });\n";
  const span = { source: { fileName: `${process.cwd()}/images/wrong.ts`, text }, start: 21, end: 30 };
  const wrong = new DiagnosticError(diagnostic("memory-size", span, { message: "5 bytes are too few" }));
  const { services, complained } = play({ build: () => Promise.reject(wrong) });
  t.is(await runCommandLine(["build", thisFile], services), 1);
  const lines = complained().split("\n");
  t.is(lines[0], "images/wrong.ts:2:9");
  t.is(lines[1], "error TV5106: 5 bytes are too few");
  t.is(lines[2], "  2 | guest({ memory: 5 });");
  t.is(lines[3], "    |         ^^^^^^^^^");
  t.regex(complained(), /see docs\/diagnostics\/TV5106\.md\n\n1 error\n$/);
  t.false(complained().includes("\u001b"));
});

for (const [why, argv, message] of [
  ["an image that is not there", ["build", "images/nothing.ts"], /there is no image images\/nothing\.ts/],
  ["no image", ["build"], /missing required argument 'IMAGE\.ts'/],
  ["two images", ["build", thisFile, thisFile], /too many arguments/],
  ["an unknown command", ["bild"], /unknown command 'bild'/],
  ["an unknown option", ["build", thisFile, "--fast"], /unknown option '--fast'/],
  ["a timeout that is no number", ["run", thisFile, "--timeout", "soon"], /a number of seconds/],
  ["a number of CPUs that is none", ["run", thisFile, "--cpus", "0"], /a number of CPUs from 1 to 64/],
  ["a timeout on a terminal", ["run", thisFile, "--timeout", "5"], /--timeout needs/],
  ["QEMU arguments for build", ["build", thisFile, "--", "-m", "1G"], /passes nothing on to QEMU/],
] as const) {
  test(`${why} is exit code 1 and builds no image`, async (t) => {
    const { services, built, complained } = play();
    t.is(await runCommandLine(argv, services), 1);
    t.regex(complained(), message);
    t.deepEqual(built, []);
  });
}

test("every command has help with the exit codes, and the version", async (t) => {
  for (const command of [[], ["build"], ["run"], ["check"], ["new"], ["trace"], ["doctor"]]) {
    const help = play();
    t.is(await runCommandLine([...command, "--help"], help.services), 0);
    t.regex(help.printed(), /Exit codes:/, command.join());
    const version = play();
    t.is(await runCommandLine([...command, "--version"], version.services), 0);
    t.regex(version.printed(), /^\d+\.\d+\.\d+\n$/, command.join());
  }
});

test("doctor tells what is missing and what to do, with exit code 2", async (t) => {
  const fine = play();
  t.is(await runCommandLine(["doctor"], fine.services), 0);
  t.regex(fine.printed(), /Nothing is missing/);
  const missing = { what: "mtools", reason: "writes FAT", remedy: "sudo apt-get install mtools" };
  const lacking = play({ examine: () => Promise.resolve([missing]) });
  t.is(await runCommandLine(["doctor"], lacking.services), 2);
  t.regex(lacking.printed(), /✘ mtools +writes FAT\n {4}sudo apt-get install mtools/);
});

test("ctl asks by the socket of a machine that runs, or by one that is named", async (t) => {
  const asked: CtlOptions[] = [];
  const control = (options: CtlOptions): Promise<void> => {
    asked.push(options);
    return Promise.resolve();
  };
  const { services } = play({ control });
  t.is(await runCommandLine(["ctl", "hello", "stop", "linux", "--json"], services), 0);
  t.is(await runCommandLine(["ctl", "./serial.sock"], services), 0);
  t.deepEqual(asked, [
    { socket: "out/hello/operator.sock", command: ["stop", "linux"], json: true },
    { socket: "./serial.sock", command: [], json: false },
  ]);
});

test("run keeps a socket for programs where the image has an operator", async (t) => {
  const sockets: (string | null)[] = [];
  const bootOnTerminal: Services["bootOnTerminal"] = (_, socket) => {
    sockets.push(socket);
    return Promise.resolve(0);
  };
  const withOperator = { ...report, ledger: { byFile: {}, byFeature: { "kernel/operator": 8000 } } };
  const built = { name: "hello", efi: "", img: "out/hello/hello.img" };
  for (const r of [report, withOperator]) {
    const { services } = play({ bootOnTerminal, build: () => Promise.resolve({ ...built, report: r }) });
    t.is(await runCommandLine(["run", thisFile], services), 0);
  }
  t.deepEqual(sockets, [null, "out/hello/operator.sock"]);
});
