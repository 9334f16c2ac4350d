// Makes clocks wrong, and sets them right while somebody votes: the server's by libfaketime, a browser's by a
// shift of its Date. Neither moves what runs by elapsed time.

import { existsSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** The library's folder: Debian has one for each architecture. */
const LIBRARY = readdirSync("/usr/lib")
  .map((folder) => `/usr/lib/${folder}/faketime/libfaketimeMT.so.1`)
  .find(existsSync);

/** A clock for a server to be started under: `env` is added to the server's environment. */
export class ServerClock {
  #file = join(mkdtempSync(join(tmpdir(), "pollux-clock-")), "offset");

  constructor(seconds) {
    if (!LIBRARY) throw new Error("a server's clock is set by libfaketime. On Debian: sudo apt-get install faketime");
    this.set(seconds);
  }

  get env() {
    return {
      LD_PRELOAD: LIBRARY,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
      DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** Sets the clock this many seconds ahead of the true time. */
  set(seconds) {
    writeFileSync(this.#file, `${seconds < 0 ? "" : "+"}${seconds}`);
  }
}

/** Gives every page of this context a clock that is this many seconds ahead, until `set` says otherwise. */
export async function browserClock(context, seconds) {
  await context.addInitScript((ahead) => {
    const True = Date;
    window.ahead = Number(sessionStorage.getItem("ahead") ?? ahead) * 1_000;
    window.Date = class extends True {
      constructor(...told) {
        super(...(told.length ? told : [True.now() + window.ahead]));
      }
      static now() {
        return True.now() + window.ahead;
      }
    };
  }, seconds);
  const set = (page, now) =>
    page.evaluate((ahead) => {
      sessionStorage.setItem("ahead", ahead);
      window.ahead = ahead * 1_000;
    }, now);
  return { set };
}
