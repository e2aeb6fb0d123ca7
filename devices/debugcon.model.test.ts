import test from "ava";
import { attach } from "../dsl/testing/attach.ts";
import { debugcon } from "./debugcon.ts";

test("written bytes leave, and the port goes on saying that it is there", (t) => {
  const guest = attach(debugcon);
  t.is(guest.read("data"), 0xe9);
  for (const byte of Buffer.from("hi\n")) guest.write("data", byte);
  t.is(guest.text("output"), "hi\n");
  t.is(guest.read("data"), 0xe9);
});
