// Plays a server that keeps the words of one poll, for tests and for whoever looks at the lists without a server.

import { refusal } from "../../api/fixture";
import type { OwnersWord, WordList, WordsVerdict } from "../../api/generated";
import type { WordsPoll } from "../../kinds/kind";
import { makeWords } from "../../kinds/words/fixture";
import type { Tab } from "./decisions.svelte";

type Kept = { id: string; text: string; votes: number; decided: "shown" | "hidden" | "erased" | null };

/** The most decisions and erased words that a poll keeps, as the server has them. */
const DECISIONS = 2_000,
  ERASED = 200;

/** Keeps words, lists them and takes decisions as the server does. */
export class Kiosk {
  /** The words in the order in which they came. */
  words: Kept[] = [];
  poll: WordsPoll;
  /** The requests, as `GET waiting` or the verdict. */
  asked: (string | WordsVerdict)[] = [];
  /** Whether nobody answers. */
  silent = false;
  /** What the next decisions are refused with. */
  refuses: Response | null = null;
  /** Whether answers wait for `release`. */
  held = false;
  #waiting: (() => void)[] = [];

  constructor(words: readonly string[] = [], approve = true) {
    this.poll = makeWords([], { approve });
    for (const text of words) this.come(text);
  }

  /** Lets somebody send a word; returns its id. */
  come(text: string, votes = 1): string {
    const id = `${this.words.length.toString(16).padStart(4, "0")}${"5f1c".repeat(7)}`;
    this.words.push({ id, text, votes, decided: null });
    this.#changed();
    return id;
  }

  idOf = (text: string) => this.words.find((word) => word.text === text)!.id;
  stateOf = (text: string) => this.#state(this.words.find((word) => word.text === text)!);

  /** Decides as somebody else. */
  take({ approve, show, hide, erase, clear }: WordsVerdict): Response | null {
    const before = this.words.map((word) => ({ ...word }));
    const unknown = Object.entries({ show, hide, erase, clear }).flatMap(([list, ids]) =>
      (ids ?? []).flatMap((id, i) => (this.words.some((word) => word.id === id) ? [] : [`/${list}/${i}`])),
    );
    if (unknown.length) return refused("there is no such word", ...unknown);
    for (const [ids, decided] of [
      [show, "shown"],
      [hide, "hidden"],
      [erase, "erased"],
      [clear, null],
    ] as const)
      for (const word of this.words) if (ids?.includes(word.id) && word.decided !== "erased") word.decided = decided;
    const count = (...states: Kept["decided"][]) => this.words.filter(({ decided }) => states.includes(decided)).length;
    const full =
      count("erased") > ERASED
        ? refused(`a poll can have ${ERASED} erased words`, "/erase")
        : count("shown", "hidden") > DECISIONS
          ? refused(`a poll keeps decisions about ${DECISIONS} words`, "")
          : null;
    if (full) this.words = before;
    else {
      this.poll = { ...this.poll, approve: approve ?? this.poll.approve };
      this.#changed();
    }
    return full;
  }

  #changed() {
    this.poll = { ...this.poll, version: this.poll.version + 1 };
  }

  #state = ({ decided }: Kept): OwnersWord["state"] => decided ?? (this.poll.approve ? "waiting" : "shown");

  list(tab: Tab | null, limit: number, cursor: string | null): WordList {
    const own = this.words
      .map((word): OwnersWord => {
        const { id, text, votes } = word,
          state = this.#state(word);
        return { id, text: state === "erased" ? null : text, votes, state };
      })
      .reverse();
    const count = (state: OwnersWord["state"]) => own.filter((word) => word.state === state).length;
    const after = cursor === null ? own : own.slice(own.findIndex(({ id }) => id === cursor) + 1);
    const fit = after.filter(({ state }) => tab === null || state === tab);
    const words = fit.slice(0, limit);
    return {
      words,
      waiting: count("waiting"),
      shown: count("shown"),
      hidden: count("hidden"),
      erased: count("erased"),
      nextCursor: fit.length > limit ? words.at(-1)!.id : null,
      version: this.poll.version,
    };
  }

  /** Answers a request as `fetch` does. */
  fetch = async (path: string, { body }: { body?: string } = {}): Promise<Response> => {
    if (this.silent) throw new TypeError("nobody answers");
    const url = new URL(path, "http://poll.example");
    const verdict = url.pathname.endsWith("/moderate") ? (JSON.parse(body!) as WordsVerdict) : null;
    const tab = url.searchParams.get("state") as Tab | null;
    this.asked.push(verdict ?? `GET ${tab ?? "all"}`);
    if (this.held) await new Promise<void>((go) => this.#waiting.push(go));
    if (!verdict)
      return Response.json(this.list(tab, Number(url.searchParams.get("limit")), url.searchParams.get("cursor")));
    const refuses = this.refuses ?? this.take(verdict);
    this.refuses = null;
    return refuses ?? Response.json(this.poll);
  };

  /** Gives all answers that wait. */
  release() {
    this.held = false;
    for (const go of this.#waiting.splice(0)) go();
  }
}

/** Returns a refusal of what is at these places of a request. */
export const refused = (detail: string, ...pointers: string[]) =>
  refusal(422, "validation-failed", { errors: pointers.map((pointer) => ({ pointer, detail })) });
