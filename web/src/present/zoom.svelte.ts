// Makes the stage larger and smaller, as this device remembers it.

import { recall, remember } from "../ui/storage";

const SMALLEST = 0.7,
  LARGEST = 1.3,
  STEP = 0.1;

/** Holds the stage's magnification. */
export class Zoom {
  now = $state(1);

  constructor() {
    this.#set(recall<number>("zoom") ?? 1);
  }

  larger = () => this.#set(this.now + STEP);
  smaller = () => this.#set(this.now - STEP);
  usual = () => this.#set(1);

  #set(zoom: number) {
    this.now = Math.min(LARGEST, Math.max(SMALLEST, Math.round(zoom * 10) / 10));
    document.documentElement.style.setProperty("--zoom", `${this.now}`);
    remember("zoom", this.now);
  }
}
