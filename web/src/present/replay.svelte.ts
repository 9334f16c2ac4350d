// Replays the vote from the log in twenty seconds: cumulative counts by the log's own times. Bars are drawn
// against the final number of voters, so that they grow and end where the result stands.

import { prefersReducedMotion } from "svelte/motion";
import { explain } from "../api/call";
import { getReplay } from "../api/operations";
import type { Replay as Recording } from "../api/generated";

/** How long a replay lasts, in milliseconds. */
export const LASTS = 20_000;
/** With reduced motion the replay has this many stills. */
const STILLS = 10;

/** Plays the replay of one poll. */
export class Replay {
  recording = $state.raw<Recording | null>(null);
  playing = $state(false);
  loading = $state(false);
  /** How much of the replay has passed, from 0 to 1. */
  progress = $state(0);
  #frame = 0;

  readonly #step = $derived.by(() =>
    prefersReducedMotion.current ? Math.floor(this.progress * STILLS) / STILLS : this.progress,
  );

  /** The moment in the log that is shown now. */
  readonly at = $derived.by(() => {
    if (!this.recording) return 0;
    const [from, to] = [Date.parse(this.recording.from), Date.parse(this.recording.to)];
    return from + this.#step * (to - from);
  });
  /** The length of the vote in the log, in milliseconds. */
  readonly span = $derived.by(() =>
    this.recording ? Date.parse(this.recording.to) - Date.parse(this.recording.from) : 0,
  );

  /** The newest frame that is not ahead of the time; at the end the last one. */
  readonly #place = $derived.by(() => {
    const frames = this.recording?.frames ?? [];
    if (this.#step >= 1) return frames.length - 1;
    let low = -1,
      high = frames.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (Date.parse(frames[middle]!.at) <= this.at) low = middle;
      else high = middle - 1;
    }
    return low;
  });

  /** The figures of this moment; null when no replay is shown. */
  readonly figures = $derived.by(() => {
    if (!this.recording) return null;
    const { frames, voters } = this.recording;
    return { votes: frames[this.#place]?.votes ?? frames[0]?.votes.map(() => 0) ?? [], voters };
  });
  readonly ended = $derived.by(() => this.recording !== null && this.progress >= 1);

  /** Fetches the replay and starts it; returns what is wrong, if anything is. */
  async begin(id: string, token: string | null): Promise<string | null> {
    this.loading = true;
    const answer = await getReplay({ path: { id }, token });
    this.loading = false;
    if (!answer.ok) return explain(answer.problem);
    if (!answer.data.frames.length) return "Nobody has voted: there is nothing to show again.";
    this.recording = answer.data;
    this.restart();
    return null;
  }

  restart() {
    this.progress = 0;
    this.#run();
  }

  toggle() {
    if (this.ended) this.restart();
    else if (this.playing) this.#pause();
    else this.#run();
  }

  leave() {
    this.#pause();
    this.recording = null;
    this.progress = 0;
  }

  #pause() {
    this.playing = false;
    cancelAnimationFrame(this.#frame);
  }

  #run() {
    this.#pause();
    this.playing = true;
    const begun = performance.now() - this.progress * LASTS;
    const step = () => {
      this.progress = Math.min(1, (performance.now() - begun) / LASTS);
      if (this.progress >= 1) this.playing = false;
      else this.#frame = requestAnimationFrame(step);
    };
    this.#frame = requestAnimationFrame(step);
  }
}
