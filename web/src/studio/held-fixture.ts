// Sets up the tests of what an organiser holds on a page.

import { cleanup, render } from "@testing-library/svelte";
import type { Component } from "svelte";
import { afterEach, beforeEach } from "vitest";
import type { Desk } from "./desk.svelte";
import { eventOf, Hall, idOf, pollOf } from "./fixture";
import { asking } from "./poll/asking.svelte";
import { Router } from "./router.svelte";

export let hall: Hall, desk: Desk, router: Router;
export const [open, other, draft] = [1, 2, 3].map(idOf) as [string, string, string];
export const [first, second, third] = [11, 12, 13].map(idOf) as [string, string, string];
export const event = idOf(9);

/** Starts every test with three lone polls and an event of three, which this device may run. */
export function setUp() {
  beforeEach(async () => {
    hall = new Hall();
    asking.now = null;
    const of = [
      pollOf(11, { eventId: event }),
      pollOf(12, { eventId: event, status: "draft" }),
      pollOf(13, { eventId: event, status: "draft" }),
    ];
    desk = await hall.desks(
      pollOf(1),
      pollOf(2, { results: "hidden", revealed: false }),
      pollOf(3, { status: "draft" }),
      ...of,
      eventOf(9, of),
    );
    router = new Router();
  });
  afterEach(() => {
    cleanup();
    router.close();
    hall.close();
  });
}

/** Shows a page, or a part of one. */
export async function show(page: Component<any>, props: object = {}) {
  render(page, { desk, router, ...props });
  await hall.settle();
}
