import test from "ava";
import { pipeFlag } from "../../dsl/device/channel.ts";
import { said } from "../testing/machine.ts";
import { escape, portScene, scene } from "./testing/scene.ts";

test.serial(
  "a guest that opens its port has a prompt there, with what that port permits and no more",
  (t) => {
    const s = portScene();
    t.is(s.write(0, ""), "");
    s.open(0);
    t.is(s.write(0, "list\n"), "typevisor> list\n  a 7 MiB  0x10\ntypevisor> ");
    t.is(
      s.write(0, "save bsd\n"),
      "save bsd\nthe manifest does not permit this channel to control: save\ntypevisor> ",
    );
    const help = s.write(0, "help\n");
    t.true(help.includes("list  shows") && help.includes("json on"));
    t.false(/save|attach|exit/.test(help), help);
    t.true(s.write(0, "exit\n").includes("there is no such command"));
    t.is(
      s.write(0, "sa\tli\t\x15"),
      `sa${"".padEnd(0)}li${"".padEnd(0)}${"\b".repeat(4)}    ${"\b".repeat(4)}`,
    );
    t.deepEqual(s.ran, []);
    s.open(1);
    t.true(s.write(1, "attach bsd\r").includes("attach is for who sits at the console"));
    t.true(s.write(1, "sa\tb\t\r").endsWith("save bsd \ntypevisor> "));
    t.deepEqual(s.saved, [1]);
    t.is(said(s.machine), "", "and the host's console is not disturbed");
    t.is(s.type(`${escape}exit\r`), "\ntypevisor> exit\n\n");
  },
);

test.serial("after json on a port says lines of JSON and nothing else, until json off", (t) => {
  const s = portScene();
  s.open(0);
  t.is(s.write(0, "json on\n"), 'typevisor> json on\n{"ok":true}\n');
  const lines = s.write(0, "list\r\n\nsave bsd\njson list\nlis\x1bt\n").split("\n");
  t.deepEqual(
    lines.filter((l) => l !== "").map((l) => Object.keys(JSON.parse(l) as object)),
    [["aMiB", "b"], ["ok"], ["ok", "error"], ["aMiB", "b"], ["ok"], ["ok", "error"]],
  );
  t.is(s.write(0, `${"x".repeat(200)}\n`), '{"ok":false,"error":"a line has at most 120 bytes"}\n');
  t.is(s.write(0, "json off\nlist\n"), "typevisor> list\n  a 7 MiB  0x10\ntypevisor> ");
  s.write(0, "json on\n");
  s.close(0);
  s.open(0);
  t.is(s.write(0, "list\n"), "typevisor> list\n  a 7 MiB  0x10\ntypevisor> ", "who comes next is a person");
});

test.serial("json on holds on the host's console until the prompt is left", (t) => {
  const s = scene();
  t.is(
    s.type(`${escape}json on\rlist\rwatch 1\r`),
    '\ntypevisor> json on\n{"ok":true}\n{"aMiB":7,"b":"0x10"}\n{"ok":true}\n{"aMiB":1}\n',
  );
  s.type("q");
  t.is(s.type(`${escape}${escape}list\r`), "\n\ntypevisor> list\n  a 7 MiB  0x10\ntypevisor> ");
});

test.serial(
  "an answer waits for a guest that does not take it, whole, and so does what it sends behind",
  (t) => {
    const s = portScene();
    s.open(0);
    s.ports[0]!.room = 3;
    let all = s.write(0, "count 2000\nlist\n");
    for (let round = 0; round < 1000; round++) {
      s.prompt.serve(false);
      all += s.told(0);
    }
    const counted = Array.from({ length: 2001 }, (_, i) => `  a ${i} MiB\n`).join("");
    const expected = `typevisor> count 2000\n${counted}typevisor> list\n  a 7 MiB  0x10\ntypevisor> `;
    t.true(all === expected, all.slice(-200));
    t.is(s.ports[0]!.sent.length, 0);
    s.ports[0]!.room = 0;
    s.write(0, "count 2000\n");
    s.wakes.length = 0;
    for (let round = 0; round < 10; round++) s.prompt.serve(false);
    t.deepEqual(s.wakes, [], "the loop does not go round for it");
    t.is(s.type(`${escape}list\r`), "\ntypevisor> list\n  a 7 MiB  0x10\ntypevisor> ", "nobody else waits");
  },
);

test.serial("channels go on with commands of their own", (t) => {
  const s = portScene();
  s.open(0);
  s.open(1);
  s.write(0, "watch 1\n", 1);
  s.rest.awaited = true;
  t.is(s.write(1, "save linux\nlist\n", 2), "typevisor> save linux\n");
  s.told(0);
  t.is(s.type(`${escape}watch 2\r`), "\ntypevisor> watch 2\n  a 1 MiB\n");
  t.is(s.type(""), "  a 1 MiB\n");
  t.is(s.told(0), "  a 1 MiB\n  a 1 MiB\n");
  s.close(1);
  s.type("");
  s.rest.awaited = false;
  s.type("");
  t.deepEqual(s.saved, [0], "what a guest has begun is done, when it has gone too");
  s.close(0);
  s.open(1);
  s.type("");
  s.told(0);
  t.is(s.type("q"), "  a 1 MiB\ntypevisor> ");
  t.is(s.told(0), "");
  t.is(s.told(1), "typevisor> list\n  a 7 MiB  0x10\ntypevisor> typevisor> ");
  s.open(0);
  s.type("");
  t.is(s.told(0), "typevisor> ", "what went on for who has gone does not for who comes");
});

test.serial("a guest that ends, or starts again, leaves nothing behind at its prompt", (t) => {
  const s = portScene();
  s.open(1);
  s.write(1, "save li");
  s.ports[1]!.there = false;
  s.ports[1]!.sent.push([...Buffer.from("nux\nsave bsd\n"), 0]);
  s.prompt.serve(false);
  s.ports[1]!.there = true;
  s.flags(1, pipeFlag.start | pipeFlag.state);
  s.prompt.serve(false);
  s.open(1);
  t.is(s.write(1, "save bsd\n"), "typevisor> save bsd\ntypevisor> ");
  t.deepEqual(s.ran, ["save 1"]);
  t.true(s.ports[1]!.told.length === 0);
});

test.serial(
  "what a hostile guest sends costs a round no more than a message, and nobody else anything",
  (t) => {
    const s = portScene();
    s.open(0);
    s.prompt.serve(false);
    const noise = Array.from({ length: 5000 }, (_, i) => ((i * 7919) >>> 3) & 0xff);
    for (let at = 0; at < noise.length; at += 100) s.ports[0]!.sent.push([...noise.slice(at, at + 100), 0]);
    const before = s.ports[0]!.sent.length;
    s.prompt.serve(false);
    t.is(s.ports[0]!.sent.length, before - 1);
    t.is(s.write(0, "\x03", 200).slice(-12), "\ntypevisor> ");
    t.is(s.type("typed"), "");
    t.is(s.taken(), "typed");
    t.deepEqual(s.ran, []);
  },
);
