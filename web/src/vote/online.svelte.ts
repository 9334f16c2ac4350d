// Whether this device believes it is connected at all. Only for words: what is sent is tried regardless, for a
// server may be near where the internet is not.

class Online {
  now = $state(navigator.onLine);

  constructor() {
    for (const name of ["online", "offline"])
      addEventListener(name, () => {
        this.now = name === "online";
      });
  }
}

export const online = new Online();
