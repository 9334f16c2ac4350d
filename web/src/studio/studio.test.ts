// Tests the studio's small pure parts: addresses, words, colours, health, tokens on their way.

import { expect, test } from "vitest";
import type { Status } from "../api/generated";
import { readBundle, readLink, write } from "./access/bundle";
import { contrast, judge } from "./event/contrast";
import { lines, verdict } from "./health/health";
import { read } from "./router.svelte";

test("addresses", () => {
  expect(read("/studio")).toEqual({ page: "overview" });
  expect(read("/studio/polls/abc")).toEqual({ page: "poll", id: "abc" });
  expect(read("/studio/events/abc/sheet")).toEqual({ page: "sheet", id: "abc" });
  expect(read("/studio/new", "?from=a")).toEqual({ page: "new", from: "a", event: null });
  expect(read("/studio/new/event")).toEqual({ page: "new-event" });
  expect(read("/studio/elsewhere")).toEqual({ page: "overview" });
});

test("contrast as WCAG has it", () => {
  expect(contrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(judge("#2f80ed").fine).toBe(true);
  expect(judge("#ffff00").words).toMatch(/light theme .* a darker shade/);
  expect(judge("#000080").words).toMatch(/dark theme .* a lighter shade/);
});

test("tokens as a file and as a link", () => {
  const tokens = [{ kind: "event" as const, id: "e", token: "t" }];
  expect(readBundle(write(tokens))).toEqual(tokens);
  expect(readBundle("{}")).toBe(null);
  expect(readBundle("no json")).toBe(null);
  expect(readLink("http://x/studio#poll=p&token=t")).toEqual({ kind: "poll", id: "p", token: "t" });
  expect(readLink("http://x/studio#event=e&token=t ")).toEqual({ kind: "event", id: "e", token: "t" });
  expect(readLink("just-a-token")).toBe(null);
});

const well: Status = {
  mode: "embedded",
  version: "1",
  ready: true,
  startedAt: null,
  node: null,
  watchers: 1,
  lastCommitAt: null,
  log: { ok: true, detail: null, weakness: null, partitions: 4, end: 10, counted: 10, lag: 0, lagSeconds: 0 },
  processors: { here: 4, partitions: 4, troubles: [] },
  store: { ok: true, detail: null },
};

test("health in words", () => {
  expect(verdict(lines(well))).toEqual({ tone: "ok", words: "All is well" });
  const late = lines({ ...well, log: { ...well.log!, lag: 40, lagSeconds: 9 } });
  expect(verdict(late)).toEqual({ tone: "bad", words: "Something is wrong: waiting to be counted" });
  expect(late.find((line) => line.name === "Waiting to be counted")?.words).toBe("40 records");
  expect(verdict(lines({ ...well, log: { ...well.log!, lag: null } })).tone).toBe("warn");
  expect(verdict(lines({ ...well, store: { ok: false, detail: "gone" } })).words).toMatch(/store/);
  // Nothing is said of what the server did not tell.
  expect(lines({ ...well, log: null, store: null, processors: null }).map(({ name }) => name)).toEqual([
    "Taking votes",
  ]);
});
