// Keeps what is asked before a poll is reset or deleted, and about which one. It is apart from the pages, so
// whatever comes on stage meanwhile, or is opened elsewhere, the question stays, and stays about the same
// poll. Once it is answered it goes at once: what becomes of the change is shown where its buttons are.

class Asking {
  now = $state.raw<{ what: "reset" | "delete"; id: string } | null>(null);
  /** The refusal of a poll's last change, if it was refused. */
  trouble = $state.raw<{ id: string; words: string } | null>(null);
}

/** The question that is open on this page. */
export const asking = new Asking();
