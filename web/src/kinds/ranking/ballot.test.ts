// Tests what the phone says of a ranking that was sent.

import { beforeAll, expect, test } from "vitest";
import { speech } from "../../vote/words.svelte";
import ranking from "./ballot";
import { makeRanking } from "./fixture";

beforeAll(() => speech.use("en"));

test("an order keeps its numbers in front of what is written from right to left", () => {
  const poll = makeRanking([[0], [0], [0]]);
  poll.options[2]!.text = "شاي";
  expect(ranking.lines(poll, [3, 1])).toEqual(["1. \u2068شاي\u2069", "2. \u2068Tea\u2069"]);
});
