// Says one sentence at a time to people who use a screen reader.

class Voice {
  said = $state("");
  #turn = false;

  say(sentence: string) {
    // The same sentence is only read again if the text differs.
    this.#turn = !this.#turn;
    this.said = sentence + (this.#turn ? "\u00a0" : "");
  }
}

/** The page's voice for screen readers. */
export const voice = new Voice();
