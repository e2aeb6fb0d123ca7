import { join } from "node:path";
import test from "ava";
import { testCatalogue } from "../compiler/fuzz/testing/catalogue.ts";

testCatalogue(test, join(import.meta.dirname, "catalogue.ts"));
