// What is said aloud to who does not see the page: one sentence at a time.

class Voice {
  said = $state("");
  #turn = false;

  say(sentence: string) {
    // The same sentence again is only heard if the text differs.
    this.#turn = !this.#turn;
    this.said = sentence + (this.#turn ? "\u00a0" : "");
  }
}

export const voice = new Voice();
