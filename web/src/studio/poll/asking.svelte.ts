// What is asked before a poll is reset or deleted, and about which one. It stands apart from the pages: whatever comes
// on stage meanwhile, or is opened elsewhere, the question stays, and stays about the same poll. Answered, it goes at once:
// what becomes of the change is shown where its buttons are.

class Asking {
  now = $state.raw<{ what: "reset" | "delete"; id: string } | null>(null);
  /** What the last change of a poll came to, if it was refused. */
  trouble = $state.raw<{ id: string; words: string } | null>(null);
}

export const asking = new Asking();
