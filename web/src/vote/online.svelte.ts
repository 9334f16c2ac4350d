// Tells whether this device believes that it is connected at all. It is only used for words: sending is tried
// regardless, because a server may be near where the internet is not.

class Online {
  now = $state.raw(navigator.onLine);

  constructor() {
    for (const name of ["online", "offline"])
      addEventListener(name, () => {
        this.now = name === "online";
      });
  }
}

/** Whether this device is online. */
export const online = new Online();
