// The desk keeps all polls and events of an organiser live: by one connection for as many as one connection
// may watch, by others for what is on the screen (`screen.ts`), and by plain requests for the rest: drafts,
// which nobody can watch, and events.

import { untrack } from "svelte";
import { hopeless, SILENT, type Answer, type Problem } from "../api/call";
import type { Event, Leaderboard, ListPollsData, Poll, PollList } from "../api/generated";
import {
  dropOperatorToken,
  dropToken,
  held,
  keepOperatorToken,
  keepToken,
  operatorToken,
  tokenOf,
  type Holding,
} from "../api/identity";
import { getEvent, getPoll, listPolls } from "../api/operations";
import { Connection, type Wiring } from "../live/connection";
import { Frames } from "../live/frames";
import { Link } from "../live/link.svelte";
import type { Message } from "../live/messages";
import { Newest } from "../live/newest";
import { Pace } from "./pace.svelte";
import { Screen } from "./screen";
import { each } from "./several";
import { differs, hiddenFirst, isAlike, tellsOwnerMore, withKept, withMissed } from "./told";

/** The most polls that a server lets one connection watch. */
const WATCHED = 100;
/** The most tokens that are shown to a connection: a server takes 50 messages at once. */
const TOKENS = 40;
/** How often everything that no connection brings is asked for, in milliseconds. */
const REFRESH = 15_000;
/** When to ask again for what had no answer and is missing on the screen, in milliseconds. */
const SOON = 2_000;
const PAGE = 100;
/**
 * How long, in milliseconds, the server must say of something shown here that it does not exist until it is
 * removed: a node may only have begun, or a proxy may lead elsewhere.
 */
const DOUBT = 10_000;
/** The operator is shown this many pages of polls, the newest. */
const PAGES = 10;

/** Knows what one organiser's page shows. */
export class Desk {
  readonly link = new Link();
  readonly pace = new Pace();
  holdings = $state.raw<readonly Holding[]>(held());
  operator = $state(operatorToken());
  loading = $state(true);
  /** What this device holds a token for and the server refuses to show, and why. */
  refused = $state.raw<ReadonlyMap<string, Problem>>(new Map());
  /** The polls and events whose token the server did not take. */
  wrong = $state.raw<ReadonlySet<string>>(new Set());
  ranks = $state.raw<Leaderboard | null>(null);
  #polls = $state.raw<ReadonlyMap<string, Poll>>(new Map());
  #events = $state.raw<ReadonlyMap<string, Event>>(new Map());

  /** All polls, the newest first. */
  readonly polls = $derived([...this.#polls.values()].sort((a, b) => (a.id < b.id ? 1 : -1)));
  readonly events = $derived([...this.#events.values()].sort((a, b) => (a.id < b.id ? 1 : -1)));

  #newest = new Newest();
  /** The polls that the next frame shows. */
  #due = new Map<string, Poll>();
  #news = false;
  /** It is raised when the operator leaves: answers to earlier questions are the operator's alone. */
  #era = 0;
  #frames = new Frames();
  #screen: Screen;
  #connection: Connection | undefined;
  #closed = new AbortController();
  /** The polls and tokens that the connection was opened with. */
  #asked: ReadonlySet<string> = new Set();
  /** Whether the connection has said hello; until then it is not cut short. */
  #greeted = false;
  /** What was deleted: messages that are still on their way do not bring it back. */
  #gone = new Set<string>();
  /** The time at which the server first said of something shown here that it does not exist. */
  #missed = new Map<string, number>();
  #timer: ReturnType<typeof setInterval>;
  #waiting = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(ways: Pick<Wiring, "socket" | "stream"> = {}) {
    this.#screen = new Screen(
      {
        eventOf: (id) => this.#eventOf(id),
        isLoneDraft: (id) => {
          const poll = this.#polls.get(id);
          return poll?.status === "draft" && !poll.eventId;
        },
        tokens: (event) => [this.tokenFor(event)].filter((token) => token !== null),
        ask: (event) => this.#askEvent(event),
        load: async (draft) => (await this.loadPoll(draft)) === null,
        hear: (message) => this.#hearOfEvent(message),
      },
      ways,
    );
    void this.#start(ways);
    // Another tab of this browser has made a poll, or forgotten one.
    addEventListener(
      "storage",
      () => {
        const now = held();
        if (now.length === this.holdings.length) return;
        this.holdings = now;
        void this.refresh();
      },
      { signal: this.#closed.signal },
    );
    this.#timer = setInterval(() => {
      if (!document.hidden) void this.refresh();
    }, REFRESH);
  }

  close() {
    this.#closed.abort();
    clearInterval(this.#timer);
    this.#waiting.forEach(clearTimeout);
    this.#connection?.close();
    this.#screen.close();
    this.pace.close();
  }

  /**
   * Marks these as being on the screen until the returned function is called: what happens to them is seen at
   * once.
   */
  look = (ids: readonly string[]) => untrack(() => this.#screen.look(ids));

  /**
   * Returns how many of the connections that watch a poll, an event, or anything at all are this page's own.
   */
  own(id?: string): number {
    const { followed } = this.#screen;
    if (id === undefined) return followed.length + 1;
    const showing = followed.filter((event) => event === id || this.#events.get(event)?.current === id);
    return Number(this.#asked.has(id)) + showing.length;
  }

  /** The newest state of a poll, before the page shows it. */
  #known = (id: string) => this.#due.get(id) ?? this.#polls.get(id);

  poll(id: string): Poll | undefined {
    return this.#polls.get(id);
  }

  event(id: string): Event | undefined {
    return this.#events.get(id);
  }

  /** Returns the token that runs a poll: its event's, its own, or the operator's. */
  tokenFor(id: string): string | null {
    return tokenOf(this.#eventOf(id), id) ?? this.operator;
  }

  /** Returns the event that this is, or is in: its list may be here before the poll itself. */
  #eventOf(id: string): string | null {
    if (this.#events.has(id)) return id;
    return (
      this.#known(id)?.eventId ?? this.events.find((event) => event.polls.some((poll) => poll.id === id))?.id ?? null
    );
  }

  /** Whether this device may run it at all; the server says whether it really may. */
  holds(id: string): boolean {
    void this.holdings;
    return this.tokenFor(id) !== null;
  }

  /** Keeps a token, and fetches what it is for. */
  async keep(kind: Holding["kind"], id: string, token: string) {
    keepToken(id, token, kind);
    this.doubt(id, false);
    this.holdings = held();
    await (kind === "event" ? this.loadEvent(id) : this.loadPoll(id));
    this.#watch();
    this.#screen.follow();
  }

  /** Forgets a token; what it was for disappears here, unless the operator sees it. */
  forget(id: string) {
    this.forgetToken(id);
    if (!this.operator) this.remove(id);
  }

  /** Notes whether the held token is wrong. */
  doubt(id: string, isWrong: boolean) {
    if (this.wrong.has(id) === isWrong) return;
    this.wrong = new Set(isWrong ? [...this.wrong, id] : [...this.wrong].filter((other) => other !== id));
  }

  forgetToken(id: string) {
    dropToken(id);
    this.holdings = held();
  }

  /** Returns what shows the server that this device runs something: then the server tells more of itself. */
  witness(): { token: string | null; query: { poll?: string } } {
    const own = this.operator
      ? undefined
      : this.polls.find((poll) => tokenOf(poll.eventId, poll.id) && !this.wrong.has(poll.id));
    return own ? { token: this.tokenFor(own.id), query: { poll: own.id } } : { token: this.operator, query: {} };
  }

  async operate(token: string | null) {
    if (token) keepOperatorToken(token);
    else dropOperatorToken();
    this.operator = token;
    if (!token) {
      this.#era++;
      this.#polls = this.#events = new Map();
      this.#due.clear();
      this.#newest = new Newest();
    }
    await this.refresh();
    this.#watch();
    this.#screen.follow();
  }

  /** Takes a poll's newest state, from wherever it came. */
  take = (told: Poll) => {
    if (this.#gone.has(told.id)) return;
    const before = this.#known(told.id);
    const poll = withMissed(before, told);
    if (isAlike(before, poll)) return;
    const again = before?.round === poll.round;
    // Until the connection has heard the token it hides numbers that were already here.
    if (again && before.totalVotes !== null && poll.totalVotes === null) return;
    this.#news ||= this.#newest.isNews(poll.id, poll.version);
    if (!this.#newest.takes(poll.id, poll.version)) return;
    // Numbers that were hidden and are shown now came earlier.
    if (again && before.totalVoters !== null) this.pace.add((poll.totalVoters ?? 0) - before.totalVoters);
    this.#due.set(poll.id, poll);
    this.#frames.next("polls", () => this.#show());
  };

  #show() {
    this.#polls = new Map([...this.#polls, ...this.#due]);
    this.#due.clear();
    this.#watch();
    this.#screen.follow();
  }

  takeEvent = (event: Event) => {
    const before = this.#events.get(event.id);
    if (isAlike(before, event)) return;
    // Until the connection has heard the token it leaves out the drafts.
    if (before?.version === event.version && event.polls.length < before.polls.length) return;
    if (event.lone || !this.#newest.takes(`event ${event.id}`, event.version)) return;
    this.#events = new Map(this.#events).set(event.id, event);
    if (before && before.version !== event.version) this.#catchUp(before, event);
    this.#screen.follow();
  };

  /**
   * Fetches the polls whose line in the event differs from what is known here. When the event's version has
   * moved and no line has, a poll was changed in something that its line does not show.
   */
  #catchUp(before: Event, event: Event) {
    const unseen = isAlike({ ...before, version: 0 }, { ...event, version: 0 });
    const changed = event.polls.filter((line) =>
      unseen ? this.#isAsked(line.id) : differs(this.#known(line.id), line),
    );
    const left = before.polls.filter((line) => !event.polls.some(({ id }) => id === line.id));
    void each(changed, ({ id }) => this.loadPoll(id));
    // These polls were left out of the list, so one read is enough to be certain that they are gone; an event
    // without polls may be deleted likewise.
    void each(left, ({ id }) => this.#verify(id));
    if (!event.polls.length) void this.loadEvent(event.id, true);
  }

  /** Removes for good what this page has deleted. */
  deleted(id: string) {
    for (const one of [id, ...(this.#events.get(id)?.polls.map((poll) => poll.id) ?? [])]) this.#gone.add(one);
    this.forgetToken(id);
    this.remove(id);
  }

  /** Removes what does not exist any more, or is not ours any more. */
  remove(id: string) {
    const gone = new Set([id, ...(this.#events.get(id)?.polls.map((poll) => poll.id) ?? [])]);
    gone.forEach((one) => this.#due.delete(one));
    this.#polls = new Map([...this.#polls].filter(([key]) => !gone.has(key)));
    this.#events = new Map([...this.#events].filter(([key]) => key !== id));
    this.refused = new Map([...this.refused].filter(([key]) => key !== id));
  }

  async loadPoll(id: string, owed = false): Promise<Problem | null> {
    const era = this.#era;
    const answer = await getPoll({ path: { id }, token: this.tokenFor(id) });
    if (era !== this.#era) return null;
    if (answer.ok) this.take(answer.data);
    else if (!answer.status && (owed || !this.#polls.has(id))) this.#later(id, () => this.loadPoll(id, owed));
    return this.#noted(id, answer.ok ? null : answer);
  }

  /** Asks again soon for what the page has nothing of yet and nobody has answered. */
  #later(id: string, load: () => Promise<unknown>) {
    clearTimeout(this.#waiting.get(id));
    if (this.#closed.signal.aborted) return;
    const timer = setTimeout(() => void load(), SOON);
    this.#waiting.set(id, timer);
  }

  async loadEvent(id: string, sure = false): Promise<Problem | null> {
    const era = this.#era;
    const answer = await getEvent({ path: { id }, token: tokenOf(id) ?? this.operator });
    if (era !== this.#era) return null;
    if (answer.ok) {
      this.takeEvent(answer.data);
      const news = answer.data.polls.filter((poll) => this.#isAsked(poll.id));
      let missing = false;
      await each(news, (poll) =>
        getPoll({ path: { id: poll.id }, token: tokenOf(id) ?? this.operator }).then((one) => {
          if (one.ok && era === this.#era) this.take(one.data);
          missing ||= !one.ok && !one.status && !this.#polls.has(poll.id);
        }),
      );
      if (missing) this.#later(id, () => this.loadEvent(id));
    } else if (!answer.status && !this.#events.has(id)) this.#later(id, () => this.loadEvent(id));
    return this.#noted(id, answer.ok ? null : answer, sure);
  }

  async #askEvent(id: string): Promise<{ news: boolean } | null> {
    const before = this.#events.get(id)?.version;
    const problem = await this.loadEvent(id);
    return problem?.title === SILENT ? null : { news: this.#events.get(id)?.version !== before };
  }

  /** Asks for what no connection brings, or for all that is held; returns whether an answer came. */
  async refresh({ all = false } = {}): Promise<boolean> {
    let heard = this.holdings.length === 0;
    const note = (problem: Problem | null) => {
      heard ||= problem?.title !== SILENT;
    };
    if (this.operator) heard = (await this.#listAll()) || heard;
    await each(
      this.holdings.filter(({ kind, id }) => kind === "event" || all || this.#isAsked(id)),
      async ({ kind, id }) => note(await (kind === "event" ? this.loadEvent(id) : this.loadPoll(id))),
    );
    // What has come is on the page before the page is called complete.
    this.#frames.flush();
    this.loading = false;
    return heard;
  }

  /** Whether this must be asked for, because the connection does not carry it. */
  #isAsked(id: string): boolean {
    const poll = this.#polls.get(id);
    if (this.link.state !== "live" || !poll || poll.status === "draft" || !this.#asked.has(id)) return true;
    const token = this.tokenFor(id);
    return tellsOwnerMore(poll) && token !== null && !this.#asked.has(token);
  }

  async #listAll(): Promise<boolean> {
    const era = this.#era;
    let cursor: string | null = null;
    for (let page = 0; page < PAGES && (page === 0 || cursor); page++) {
      const query: ListPollsData["query"] = { all: true, limit: PAGE, ...(cursor ? { cursor } : {}) };
      const answer: Answer<PollList> = await listPolls({ query, token: this.operator });
      if (!answer.ok || era !== this.#era) return answer.status !== 0;
      answer.data.polls.forEach(this.take);
      const events = new Set(answer.data.polls.flatMap((poll: Poll) => poll.eventId ?? []));
      await each([...events], (id) => this.loadEvent(id));
      cursor = answer.data.nextCursor;
    }
    return true;
  }

  /** Notes how a read ended. `sure` says that something else says so too. */
  #noted(id: string, refusal: { status: number; problem: Problem } | null, sure = false): Problem | null {
    const known = this.refused.has(id);
    if (!refusal) this.#missed.delete(id);
    if (refusal?.status === 404 && (this.#polls.has(id) || this.#events.has(id))) {
      const since = this.#missed.get(id) ?? performance.now();
      this.#missed.set(id, since);
      if (!sure && performance.now() - since < DOUBT) return null;
      this.#missed.delete(id);
      this.remove(id);
    }
    const held = this.holdings.some((holding) => holding.id === id);
    if (refusal && held && hopeless(refusal.status)) this.refused = new Map(this.refused).set(id, refusal.problem);
    else if (!refusal && known) this.refused = new Map([...this.refused].filter(([key]) => key !== id));
    return refusal?.problem ?? null;
  }

  async #start(ways: Pick<Wiring, "socket" | "stream">) {
    await this.refresh();
    this.#connection = new Connection({
      query: () => {
        this.#greeted = false;
        const polls = this.#watchable();
        this.#asked = new Set([...polls, ...this.#tokens()]);
        // The query always names something: an empty one would mean everything.
        return `?leaderboard${polls.map((id) => `&poll=${id}`).join("")}`;
      },
      tokens: () => this.#tokens(),
      ask: () => this.#ask(),
      message: (message) => this.#hear(message),
      state: this.link.show,
      ...ways,
    });
  }

  async #ask() {
    this.#news = false;
    return (await this.refresh({ all: true })) ? { news: this.#news } : null;
  }

  /** Returns the newest of what can be watched. */
  #watchable(): string[] {
    const open = (poll: Poll) => Number(poll.status === "open");
    return this.polls
      .filter((poll) => poll.status !== "draft" && !this.refused.has(poll.id))
      .sort((a, b) => open(b) - open(a))
      .slice(0, WATCHED)
      .map((poll) => poll.id);
  }

  /**
   * Returns the tokens to show. The operator's opens everything; otherwise they are those of watched polls
   * that tell their owner more than others, fewer than the server takes at once.
   */
  #tokens(): string[] {
    if (this.operator) return [this.operator];
    const watched = new Set(this.#watchable());
    const more = this.polls.filter((poll) => watched.has(poll.id) && tellsOwnerMore(poll)).sort(hiddenFirst);
    const tokens = more.map((poll) => tokenOf(poll.eventId, poll.id)).filter((token) => token !== null);
    return [...new Set(tokens)].slice(0, TOKENS);
  }

  /**
   * Connects anew when there is more to watch, or to show; a connection that is being opened is waited for.
   */
  #watch() {
    const more = [...this.#watchable(), ...this.#tokens()].some((one) => !this.#asked.has(one));
    if (more && this.#greeted) this.#connection?.again();
  }

  /**
   * Takes a poll from a message. Other people's polls are left out; a poll that has just gone from here stays
   * away, unless it is `ours` to know.
   */
  #told(poll: Poll, ours = false) {
    const before = this.#known(poll.id);
    if (!before && !ours) return;
    this.take(withKept(before, poll));
    // What only the owner is told of an opening has to be asked for, until the server itself has answered.
    if (before?.status !== "open" && poll.status === "open") void this.loadPoll(poll.id, true);
  }

  /** Asks whether a poll is deleted. A deleted poll is told as closed; asked for, it is not found. */
  async #verify(id: string) {
    const answer = await getPoll({ path: { id }, token: this.tokenFor(id) });
    if (!answer.ok) this.#noted(id, answer, true);
  }

  #hear(message: Message) {
    switch (message.type) {
      case "hello":
        this.#newest.greet(message.epoch);
        message.polls.forEach((poll) => this.#told(poll));
        this.ranks = message.leaderboard ?? this.ranks;
        this.#greeted = true;
        this.#watch();
        break;
      case "poll.created":
      case "poll.updated":
        this.#told(message.poll);
        break;
      case "poll.closed":
        this.#told(message.poll);
        void this.#verify(message.poll.id);
        break;
      case "event.changed":
        this.takeEvent(message.event);
        break;
      case "leaderboard.changed":
        this.ranks = message.leaderboard;
    }
  }

  /** Takes a message about a followed event: its polls are ours, even one that is new here. */
  #hearOfEvent(message: Message) {
    switch (message.type) {
      case "hello":
        if (message.event) this.takeEvent(message.event);
        break;
      case "poll.created":
      case "poll.updated":
        this.#told(message.poll, true);
        break;
      default:
        this.#hear(message);
    }
  }
}
